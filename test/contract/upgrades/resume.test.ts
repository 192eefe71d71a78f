import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { createEndWaiter } from '../../../src/infra/engine/index.ts'
import { cancelNow } from '../../../src/upgrades/commands/cancel-now.ts'
import { resume } from '../../../src/upgrades/commands/resume.ts'
import type { WaitDeps } from '../../../src/upgrades/commands/wait-for-end.ts'
import type { Execution } from '../../../src/upgrades/core/model.ts'
import { executionMachine } from '../../../src/upgrades/machine.ts'
import { insertExecution, loadExecution, saveExecution } from '../../../src/upgrades/store/executions.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { executionOf, insertTenant } from './given.ts'

let database: FreshDatabase
let deps: WaitDeps
beforeAll(async () => {
  database = await freshDatabase()
  const clock = { now: () => Date.now() } as WaitDeps['clock']
  // It holds no release.
  const ports = { releases: { orders: {} } } as WaitDeps['ports']
  const parts = { db: database.db, clock, newId: () => randomUUID(), ports }
  deps = { ...parts, machine: executionMachine(parts), ends: createEndWaiter({ on: () => () => {} }, 20) }
})
afterAll(() => database.close())

const principal = { id: 'key:test', name: 'test', role: 'platform-admin', tenants: 'all' } as const

/** Given one in PAUSED, with as many failures as end it when it is resumed. */
async function given(): Promise<Execution> {
  const stopped = {
    rollbackReason: null,
    rollbackInitiatedBy: null,
    rollbackInitiatedAt: null,
    rolledBackInstances: [],
  }
  const execution = executionOf(await insertTenant(database.db), {
    claims: [],
    ...{
      status: 'PAUSED',
      stage: 'moving',
      pausedFrom: 'IN_PROGRESS',
      rollbackInfo: { ...stopped, currentFailures: 3 },
    },
  })
  await transaction(database.db, (tx) => insertExecution(tx, execution))
  return execution
}

async function end(id: string): Promise<void> {
  const before = (await loadExecution(database.db, id)) as Execution
  const after: Execution = { ...before, status: 'FAILED', stage: 'done', ending: null, endedAt: 7 }
  await transaction(database.db, (tx) => saveExecution(tx, before, after))
}

/** The call, and what of its answers was kept for the key, with what is seen then. */
function called(signal: AbortSignal) {
  const kept: Execution[] = []
  const onDone = vi.fn(async (_: unknown, execution: Execution) => void kept.push(execution))
  return { kept, call: { principal, reason: null, onDone, signal } }
}

test('a resume that ends an execution is noted with the command, and answers it at its end', async () => {
  const { id } = await given()
  const { kept, call } = called(new AbortController().signal)
  const answer = resume(deps, call, id)
  await vi.waitFor(() => expect(kept).toMatchObject([{ id, ending: { to: 'FAILED' } }]))
  await end(id)
  expect(await answer).toMatchObject({ id, status: 'FAILED' })
})

test('where the server stops nothing final is said', async () => {
  const { id } = await given()
  const stopping = new AbortController()
  const { kept, call } = called(stopping.signal)
  const answer = resume(deps, call, id)
  await vi.waitFor(() => expect(kept).toHaveLength(1))
  stopping.abort()
  await expect(answer).rejects.toMatchObject({ code: 'unavailable', extra: { executionId: id } })
})

test('so it is of one that is cancelled for a release', async () => {
  const { id } = await given()
  const stopping = new AbortController()
  const cancelled = cancelNow(deps, id, { by: principal, signal: stopping.signal })
  await vi.waitFor(async () =>
    expect(await loadExecution(database.db, id)).toMatchObject({ ending: { immediate: true } }),
  )
  stopping.abort()
  await expect(cancelled).rejects.toMatchObject({ code: 'unavailable', extra: { executionId: id } })
})
