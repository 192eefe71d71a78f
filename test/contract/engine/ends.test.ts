import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type AttemptEnd, attemptCloser, openAttempt } from '../../../src/infra/engine/attempts.ts'
import { LeaseLost } from '../../../src/infra/engine/errors.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const now = Date.parse('2026-02-03T04:05:06.789Z')
const done = { status: 'fulfilled', value: undefined }

describe('ends of attempts that come at the same time', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(() => database.close())

  const begun = async (epoch: bigint) => {
    const subject = { kind: 'release', id: randomUUID() } as const
    await sql`insert into work (kind, subject_id, due_at, wanted, seen, epoch)
      values ('release', ${subject.id}, now(), 1, 1, ${epoch})`.execute(database.db)
    const planned = { act: { kind: 'step' }, baseline: {}, deadline: now }
    await transaction(database.db, (tx) => openAttempt(tx, subject, planned, { epoch, now }))
    return { subject, epoch }
  }
  const end = (lease: AttemptEnd['lease'], more: Partial<AttemptEnd> = {}): AttemptEnd => {
    return { lease, seq: 1, result: 'done', failure: null, now, ...more }
  }
  const close = (...ends: AttemptEnd[]) => Promise.allSettled(ends.map(attemptCloser(database.db)))
  const resultOf = async ({ subject: { id } }: AttemptEnd['lease']) => {
    const { rows } = await sql<{ result: string | null; failure: unknown; ended_at: Date | null }>`
      select result, failure, ended_at from attempts where subject_id = ${id}`.execute(database.db)
    return rows[0]
  }

  it('are recorded where the lease is held, each as it was', async () => {
    const [one, other, lost] = [await begun(1n), await begun(2n), await begun(3n)]
    const failure = { code: 'helm_failed', detail: 'no\0', evidence: { a: [1] } } as const
    const ends = [end(one), end({ ...lost, epoch: 2n }), end(other, { result: 'unchanged', failure, now: now + 1 })]
    const rejected = { status: 'rejected', reason: expect.any(LeaseLost) }
    expect(await close(...ends)).toEqual([done, rejected, done])
    expect(await resultOf(one)).toEqual({ result: 'done', failure: null, ended_at: new Date(now) })
    const stored = { ...failure, detail: 'no\ufffd' }
    expect(await resultOf(other)).toEqual({ result: 'unchanged', failure: stored, ended_at: new Date(now + 1) })
    expect(await resultOf(lost)).toEqual({ result: null, failure: null, ended_at: null })
  })

  it('may be said twice: the first stays', async () => {
    const one = await begun(1n)
    await close(end(one))
    expect(await close(end(one, { result: 'interrupted' }))).toEqual([done])
    expect(await resultOf(one)).toMatchObject({ result: 'done' })
  })

  it('are recorded each by itself when one cannot be', async () => {
    const [one, other] = [await begun(1n), await begun(2n)]
    const impossible = end(other, { seq: 2 ** 70 })
    expect(await close(impossible, end(one))).toMatchObject([{ status: 'rejected' }, done])
    expect(await resultOf(one)).toMatchObject({ result: 'done' })
  })
})
