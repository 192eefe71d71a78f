import { beforeEach, expect, test } from 'vitest'
import { parseManifest } from './manifest.ts'
import { readStoppingPods } from './stopping.ts'
import type { ClusterClient, ObjectMeta } from './types.ts'
import type { ReadParts } from './workloads.ts'

const until = '2026-01-01T00:00:30Z'
const pod = (name: string, kind: string, owner: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  ...{ name, deletionTimestamp: until, ownerReferences: [{ kind, name: owner, uid: owner, controller: true }] },
  ...more,
})

/** What there is still of the controllers of pods, by name; nothing unless a test says so. */
let controllers: Readonly<Record<string, ObjectMeta>> = {}
beforeEach(() => {
  controllers = {}
})

async function stopping(pods: readonly ObjectMeta[], ...gone: readonly [kind: string, name: string, more?: string][]) {
  const manifest = gone.map(
    ([kind, name, more = '']) => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}${more}}\n`,
  )
  let lists = 0
  const listMetadata = async () => {
    lists += 1
    return { items: pods.map((metadata) => ({ metadata })), resourceVersion: '1' }
  }
  const findMetadata = async (_: unknown, { name }: { name: string }) =>
    controllers[name] === undefined ? null : { metadata: controllers[name] }
  const client = { listMetadata, findMetadata } as unknown as ClusterClient
  const discovery = { find: async () => ({}) } as unknown as ReadParts['discovery']
  const found = await readStoppingPods({ client, discovery }, parseManifest(manifest.join('---\n')), 'ns', {})
  return { lists, found }
}

test.each([
  ['Deployment', 'web', pod('web-5f-a', 'ReplicaSet', 'web-5f', { labels: { 'pod-template-hash': '5f' } })],
  ['StatefulSet', 'db', pod('db-0', 'StatefulSet', 'db')],
  ['DaemonSet', 'log', pod('log-a', 'DaemonSet', 'log')],
  ['Job', 'once', pod('once-a', 'Job', 'once')],
  ['CronJob', 'daily', pod('daily-28-a', 'Job', 'daily-28')],
])('pods that a %s has left are its own', async (kind, name, own) => {
  const others = [
    pod('of-another', 'ReplicaSet', `${name}-api-5f`, { labels: { 'pod-template-hash': '5f' } }),
    pod('of-a-longer-name', own.ownerReferences?.[0]?.kind ?? '', `${name}-api`),
    { name: 'of-nobody', deletionTimestamp: until, labels: { app: name } },
  ]
  const { found } = await stopping([own, ...others], [kind, name])
  expect(found).toEqual([{ name: own.name, finalizers: [], until: Date.parse(until) }])
})

test('one that nobody has told to stop yet, and one that is held', async () => {
  const { deletionTimestamp: _, ...untold } = pod('db-0', 'StatefulSet', 'db')
  const held = pod('db-1', 'StatefulSet', 'db', { finalizers: ['example.com/hold'] })
  expect((await stopping([untold, held], ['StatefulSet', 'db'])).found).toEqual([
    { name: 'db-0', finalizers: [], until: null },
    { name: 'db-1', finalizers: ['example.com/hold'], until: Date.parse(until) },
  ])
})

test('pods whose controller stays are not left by the workload', async () => {
  const orphan = pod('web-5f-a', 'ReplicaSet', 'web-5f', { labels: { 'pod-template-hash': '5f' } })
  const byHand = pod('daily-28-a', 'Job', 'daily-28')
  const names = async () =>
    (await stopping([orphan, byHand], ['Deployment', 'web'], ['CronJob', 'daily'])).found.map(({ name }) => name)
  controllers = { 'web-5f': { name: 'web-5f', uid: 'web-5f' }, 'daily-28': { name: 'daily-28', uid: 'daily-28' } }
  expect(await names()).toEqual([])
  // It goes next: with its own owner, as it is told to, or it is another one of that name.
  const owner = { kind: 'Deployment', name: 'web', uid: 'web', controller: true }
  controllers = {
    'web-5f': { name: 'web-5f', uid: 'web-5f', ownerReferences: [owner] },
    'daily-28': { name: 'daily-28', uid: 'daily-28', deletionTimestamp: until },
  }
  expect(await names()).toEqual(['web-5f-a', 'daily-28-a'])
  controllers = { 'web-5f': { name: 'web-5f', uid: 'newer' } }
  expect(await names()).toEqual(['web-5f-a', 'daily-28-a'])
})

test('where no workload has gone nothing is asked', async () => {
  const elsewhere = ['Deployment', 'web', ', namespace: other'] as const
  expect(await stopping([], ['ConfigMap', 'web'], [...elsewhere])).toEqual({ lists: 0, found: [] })
})
