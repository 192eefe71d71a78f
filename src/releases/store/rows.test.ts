import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createVault, type VaultKey, vaultKey } from '../../infra/secrets/vault.ts'
import { newRelease } from '../core/create.ts'
import { place } from '../core/testing/simulation.ts'
import { wanted } from '../core/testing/states.ts'
import { sealEvidence } from '../evidence.ts'
import { operationColumns, releaseColumns } from './rows.ts'
import { sealedAs } from './sealed.ts'

const vault = createVault([vaultKey(randomBytes(32))])
const broken = 'a\0\ud83d'

test('what the cluster says is stored whatever is in it', () => {
  const { release, operation } = newRelease(place, 'web', wanted(), 1)
  const waitingFor = { reason: 'NOT_READY', until: null, detail: broken }
  const leftovers = [{ kind: broken, name: broken, why: broken }]
  const error = { code: 'not_ready' as const, detail: broken }
  const ended = { ...operation, endedAt: 1, outcome: { status: 'FAILED' as const, error } }
  const columns = [
    releaseColumns({ ...release, waitingFor, leftovers }, operation),
    operationColumns(operation, waitingFor, vault, 1),
    operationColumns(ended, null, vault, 1),
  ]
  const text = JSON.stringify(columns)
  expect(text).toContain('a\ufffd\ufffd')
  expect(text).not.toMatch(/\\u0000|\\ud83d/)
})

test('evidence that an attempt kept sealed is sealed once, with the key of whoever writes it', () => {
  const [old, fresh, lost] = [1, 2, 3].map((n) => vaultKey(Buffer.alloc(32, n))) as [VaultKey, VaultKey, VaultKey]
  const { operation } = newRelease(place, 'web', wanted(), 1)
  const written = (by: VaultKey): unknown => {
    const evidence = sealEvidence(createVault([by]), operation.id, { helm: 'said' })
    const columns = operationColumns({ ...operation, evidence }, null, createVault([fresh, old]), 1)
    return createVault([fresh]).open(columns.evidence_enc ?? Buffer.alloc(0), sealedAs.evidence(operation.id))
  }
  expect(written(old)).toEqual({ helm: 'said' })
  expect(written(fresh)).toEqual({ helm: 'said' })
  // It could not be read before either: the operation ends all the same.
  expect(written(lost)).toEqual({ sealed: expect.any(String) })
})
