import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { forgetAttempts } from '../../../src/infra/engine/index.ts'
import { freshDatabase } from '../../support/database.ts'

it('what has ended of some kinds is forgotten, however much it is; what is newer, runs, or is of others stays', async () => {
  const database = await freshDatabase()
  const { db } = database
  const attempts = (kind: string, ended: Date | null, count: number) =>
    sql`insert into attempts (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline, ended_at)
      select ${kind}::text, gen_random_uuid(), 1, '{}', '{}', 1, now(), now(), ${ended}::timestamptz
      from generate_series(1, ${count}::int)`.execute(db)
  const [old, newer] = [new Date(1_000), new Date(3_000)]
  await attempts('sink', old, 20_001)
  await attempts('relay', old, 2)
  await attempts('relay', newer, 1)
  await attempts('sink', null, 1)
  await attempts('release', old, 1)
  await forgetAttempts(db, ['sink', 'relay'], 2_000)
  const { rows } = await sql`select subject_kind as kind, count(*) as n from attempts group by 1 order by 1`.execute(db)
  expect(rows).toEqual([
    { kind: 'relay', n: 1 },
    { kind: 'release', n: 1 },
    { kind: 'sink', n: 1 },
  ])
  await database.close()
})
