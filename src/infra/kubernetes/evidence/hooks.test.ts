import { expect, test } from 'vitest'
import type { Discovery } from '../discovery.ts'
import type { ManifestObject } from '../manifest.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import type { ClusterClient, ListOptions } from '../types.ts'
import { collectHookEvidence, readUnfinishedHooks } from './collect.ts'

const wanted = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: 'migrate',
  hook: 'pre-upgrade',
} as unknown as ManifestObject
const metadata = { name: 'migrate', namespace: 'apps', creationTimestamp: '2026-01-01T00:00:00Z' }
const live = { ...wanted, metadata, spec: { selector: { matchLabels: { job: 'migrate' } } } }

/** A cluster that shows a hook, and whose pods never come: what it is asked for of them. */
function silentOnPods() {
  const asked: ListOptions[] = []
  const list = (_resource: unknown, _selection: unknown, options: ListOptions = {}) => {
    asked.push(options)
    const { signal } = options
    if (signal === undefined) return Promise.reject(new Error('nothing would end this'))
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  const client = { find: async () => live, list } as unknown as ClusterClient
  const discovery = { find: async () => ({ namespaced: true }) } as unknown as Discovery
  return { parts: { client, discovery }, asked }
}

test('the pods of a hook are waited for no longer than all of it may take, and one page of them is read', async () => {
  const { parts, asked } = silentOnPods()
  const clock = new VirtualClock()
  const reading = readUnfinishedHooks(parts, [wanted], 'apps', { clock, since: 0, limitMs: 10_000 })
  await clock.advance(10_000)
  expect(await reading).toMatchObject([{ name: 'migrate', problem: null }])
  expect(asked[0]).toEqual({ signal: expect.any(AbortSignal), first: 100 })
})

const refusal = 'pods "migrate-x" is forbidden: exceeded quota: limits'
const event = (second: number, reason: string, message: string) => ({
  ...{ metadata: { name: `e${second}` }, reason, message },
  lastTimestamp: `2026-01-01T00:00:0${second}Z`,
})
const refused = event(2, 'FailedCreate', `Error creating: ${refusal}`)
const pod = (phase: string) => ({
  metadata: { name: `p-${phase}`, creationTimestamp: '2026-01-01T00:00:01Z' },
  status: { phase },
})

const seen = (pods: readonly object[], events: readonly object[]) => {
  const list = async ({ plural }: { plural: string }) => ({ items: plural === 'events' ? events : pods })
  const client = { find: async () => live, list } as unknown as ClusterClient
  return { client, discovery: { find: async () => ({ namespaced: true }) } as unknown as Discovery }
}
const options = () => ({ clock: new VirtualClock(), since: 0 })

test.each([
  ['no pod was made', [], [refused], refusal],
  ['a pod that was made has ended, and no other could be', [pod('Failed')], [refused], refusal],
  [
    'one that was made since is waited for',
    [pod('Pending')],
    [refused, event(3, 'SuccessfulCreate', '')],
    'pod p-Pending: it is Pending',
  ],
  [
    'one was made since, and has ended',
    [pod('Failed')],
    [event(3, 'SuccessfulCreate', '')],
    'pod p-Failed: it is Failed',
  ],
  ['nothing is said', [], [], null],
])('a hook without a pod tells what its controller says: %s', async (_, pods, events, problem) => {
  const told = problem === refusal ? `it has no pod: ${refusal}` : problem
  expect(await readUnfinishedHooks(seen(pods, events), [wanted], 'apps', options())).toMatchObject([{ problem: told }])
  const left = await collectHookEvidence(seen(pods, events), [wanted], 'apps', options())
  expect(left?.hooks).toMatchObject([{ name: 'migrate', problem: told }])
  const [job] = left?.evidence.workloads ?? []
  expect(job?.reason.endsWith(`: ${refusal}`)).toBe(problem === refusal)
})
