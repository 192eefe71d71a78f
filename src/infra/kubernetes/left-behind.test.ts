import { expect, test } from 'vitest'
import type { Discovery } from './discovery.ts'
import { readLeftBehind } from './left-behind.ts'
import type { PastRevision } from './past.ts'
import type { ClusterClient } from './types.ts'

/** A cluster with nothing but the namespace, which may be on its way out. */
const cluster = (deletionTimestamp?: string) => {
  const client = { findMetadata: async () => ({ metadata: { deletionTimestamp } }) } as unknown as ClusterClient
  return { client, discovery: {} as Discovery }
}

async function leftOf(revisions: readonly PastRevision[], parts = cluster()) {
  async function* history() {
    yield* revisions
  }
  return readLeftBehind(parts, history(), { namespace: 'ns', name: 'web' })
}

const notLookedFor = 'what it has left was not looked for'

test('a revision that cannot be read is told', async () => {
  const lost = [
    { revision: 3, manifest: '' },
    { revision: 2, manifest: null },
  ]
  const why = `revision 2 cannot be read in full: ${notLookedFor}`
  expect(await leftOf(lost)).toEqual([{ kind: 'Release', name: 'web', why }])
})

test('several are told in one sentence, beside those that were too many', async () => {
  const lost = Array.from({ length: 120 }, (_, n) => ({ revision: 120 - n, manifest: n % 2 === 0 ? null : '' }))
  expect(await leftOf(lost)).toEqual([
    {
      kind: 'Release',
      name: 'web',
      why:
        'revision 120 and 49 others cannot be read in full: what they have left was not looked for; ' +
        'what revision 20 and those before it have left was not looked for',
    },
  ])
})

test('in a namespace that goes nothing is left, whatever it was', async () => {
  expect(await leftOf([{ revision: 2, manifest: null }], cluster('2026-01-01T00:00:00Z'))).toEqual([])
})
