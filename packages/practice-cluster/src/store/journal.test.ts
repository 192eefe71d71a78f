import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { types } from '../resources/table.ts'
import { openJournal } from './journal.ts'
import { openStore } from './store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('restores what is stored, without what was deleted, at the version it had', () => {
  const first = openJournal(join(folder, 'objects.db'))
  const store = openStore(first)
  for (const name of ['kept', 'gone']) {
    store.create(types.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } })
  }
  store.delete(types.nodes, '', 'gone')
  const kept = store.updateStatus(types.nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'kept' },
    status: { ok: true },
  })
  first.close()
  const second = openJournal(join(folder, 'objects.db'))
  const again = openStore(second)
  expect(again.list(types.nodes)).toEqual([kept])
  expect(again.version).toBe(store.version)
  second.close()
})

it('stores nothing in memory that it could not write', () => {
  const { journal, restored, close } = openJournal(join(folder, 'objects.db'))
  const store = openStore({ journal, restored })
  close()
  expect(() => store.create(types.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } })).toThrow()
  expect(store.list(types.nodes)).toEqual([])
})
