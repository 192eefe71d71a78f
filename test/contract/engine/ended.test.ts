import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { announceEnd, createEndWaiter } from '../../../src/infra/engine/ended.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

describe('waitForEnd', () => {
  let database: FreshDatabase
  let listener: Listener
  beforeEach(async () => {
    database = await freshDatabase()
    listener = openListener(database.url, silentLog)
  })
  afterEach(async () => {
    await listener.close()
    await database.close()
  })

  it('ends when the end is announced', async () => {
    const operation = randomUUID()
    let outcome: string | null = null
    const listening = Promise.withResolvers<void>()
    listener.on('operation_ended', () => listening.resolve())
    await listening.promise
    const waiting = createEndWaiter(listener, 60_000).waitForEnd(
      operation,
      async () => outcome,
      new AbortController().signal,
    )
    await transaction(database.db, async (tx) => {
      await announceEnd(tx, operation)
      outcome = 'done'
    })
    expect(await waiting).toBe('done')
  })

  it('ends without an announcement too', async () => {
    let reads = 0
    const read = async () => (++reads < 3 ? null : 'done')
    const deaf = { on: () => () => undefined }
    expect(await createEndWaiter(deaf, 1).waitForEnd('x', read, new AbortController().signal)).toBe('done')
  })

  it('gives null when the one who waits has left, and throws what reading throws', async () => {
    const waiter = createEndWaiter(listener, 60_000)
    const left = new AbortController()
    const waiting = waiter.waitForEnd('x', async () => null, left.signal)
    left.abort()
    expect(await waiting).toBeNull()
    const failing = waiter.waitForEnd('x', () => Promise.reject(new Error('gone')), new AbortController().signal)
    await expect(failing).rejects.toThrow('gone')
  })
})
