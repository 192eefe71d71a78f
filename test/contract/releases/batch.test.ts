import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { createEndWaiter, driverOf, startWorker, wake } from '../../../src/infra/engine/index.ts'
import { silentLog } from '../../../src/infra/log.ts'
import type { Batch } from '../../../src/releases/batch/core.ts'
import { insertBatch, loadBatch } from '../../../src/releases/batch/store.ts'
import { batchMachine, type ReleaseDeps } from '../../../src/releases/index.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const batch: Batch = {
  id: randomUUID(),
  tenantId: null,
  chart: 'web',
  resolved: { digest: 'sha256:1', version: '2.0.0', appVersion: null, hasHooks: false },
  targetVersion: '2.0.0',
  concurrency: 1,
  options: { timeoutSeconds: 300, wait: true, waitForJobs: false, atomic: false },
  items: [],
  starting: null,
  cancelRequested: false,
  performedBy: 'tester',
  principalId: 'tester',
  reason: null,
  startedAt: null,
  endedAt: null,
  outcome: null,
  seq: 0n,
  version: 0,
}

let database: FreshDatabase
let listener: Listener
beforeEach(async () => {
  database = await freshDatabase()
  listener = openListener(database.url, silentLog)
  const listening = Promise.withResolvers<void>()
  listener.on('operation_ended', () => listening.resolve())
  await listening.promise
})
afterEach(async () => {
  await listener.close()
  await database.close()
})

test('who waits for a batch is told of its end, and need not find it by looking now and then', async () => {
  const { db } = database
  // A batch without releases needs nothing else.
  const machine = batchMachine({ db, clock: systemClock } as unknown as ReleaseDeps)
  const worker = startWorker({
    ...{ db, listener, drivers: [driverOf(machine)], concurrency: 1, clock: systemClock, log: silentLog },
  })
  const waiter = createEndWaiter(listener, 60_000)
  const read = async () => (await loadBatch(db, batch.id))?.outcome?.status ?? null
  const ended = waiter.waitForEnd(batch.id, read, AbortSignal.timeout(20_000))
  await transaction(db, async (tx) => {
    await insertBatch(tx, batch, new Date())
    await wake(tx, { kind: 'batch', id: batch.id })
  })
  expect(await ended).toBe('SUCCEEDED')
  await worker.stop()
})
