import { describe, expect, it } from 'vitest'
import { types } from '../resources/table.ts'
import { openStore } from '../store/store.ts'
import { WatchHub } from './hub.ts'

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

describe('the watch hub', () => {
  it('gives what happened after a version, of one kind', () => {
    const store = openStore()
    const hub = new WatchHub(store)
    const first = store.create(types.namespaces, namespace('a'))
    store.create(types.namespaces, namespace('b'))
    store.create(types.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } })
    const missed = hub.since(types.namespaces, Number(first.metadata.resourceVersion))
    expect(missed?.map((change) => change.object.metadata.name)).toEqual(['b'])
    expect(hub.since(types.nodes, store.version)).toEqual([])
  })

  it('has forgotten what was before it, and what is long ago', () => {
    const store = openStore()
    const before = store.create(types.namespaces, namespace('a'))
    const hub = new WatchHub(store)
    expect(hub.since(types.namespaces, Number(before.metadata.resourceVersion) - 1)).toBeUndefined()
    const start = store.version
    for (let i = 0; i < 10_000; i += 1)
      store.updateStatus(types.namespaces, { ...before, metadata: { name: 'a' }, status: { i } })
    expect(hub.since(types.namespaces, start)).toBeUndefined()
    expect(hub.since(types.namespaces, store.version - 10)).toHaveLength(10)
  })
})
