import { expect, test } from 'vitest'
import type { Discovery } from '../discovery.ts'
import type { ManifestObject } from '../manifest.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import type { ClusterClient, ListOptions } from '../types.ts'
import { readUnfinishedHooks } from './collect.ts'

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
  expect(asked).toEqual([{ signal: expect.any(AbortSignal), first: 100 }])
})
