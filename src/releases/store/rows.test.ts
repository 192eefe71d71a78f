import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createVault, vaultKey } from '../../infra/secrets/vault.ts'
import { newRelease } from '../core/create.ts'
import { place } from '../core/testing/simulation.ts'
import { wanted } from '../core/testing/states.ts'
import { operationColumns, releaseColumns } from './rows.ts'

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
