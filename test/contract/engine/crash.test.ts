import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/infra/clock.ts'
import { signal } from '../../../src/infra/database/embedded/processes.ts'
import { startEmbeddedPostgres } from '../../../src/infra/database/embedded/server.ts'
import { openListener } from '../../../src/infra/database/listen.ts'
import { migrate } from '../../../src/infra/database/migrate.ts'
import { openDatabase } from '../../../src/infra/database/pool.ts'
import { execute } from '../../../src/infra/engine/commands.ts'
import { driverOf } from '../../../src/infra/engine/drive.ts'
import { startWorker } from '../../../src/infra/engine/worker.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { createSteps, insertSteps, readSteps, stepMachine } from '../../support/steps.ts'

it('carries out every command that was accepted, though PostgreSQL is killed again and again', async () => {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-crash-'))
  const server = await startEmbeddedPostgres({ home, log: silentLog })
  const database = openDatabase(server.url, { max: 5, log: silentLog })
  const listener = openListener(server.url, silentLog)
  await migrate(database.db)
  await createSteps(database.db)
  const machine = stepMachine(new Map())
  const worker = startWorker({
    ...{ db: database.db, listener, drivers: [driverOf(machine)], concurrency: 4, clock: systemClock, log: silentLog },
    ...{ leaseMs: 500, takeoverMs: 100, pollMs: 50, retryMs: 20 },
  })
  const ids = await Promise.all([1, 2, 3].map(() => insertSteps(database.db, [])))
  const accepted: (readonly [string, string])[] = []
  for (let kill = 0; kill < 3; kill++) {
    const died = server.pid()
    const commands = Array.from({ length: 30 }, async (_, index) => {
      const [id, step] = [ids[index % 3] ?? '', `${kill}.${index}`]
      await systemClock.sleep(index)
      await execute({ db: database.db, now: Date.now }, machine, id, { kind: 'add', step })
      accepted.push([id, step])
    })
    await Promise.any(commands)
    await systemClock.sleep(kill * 10)
    signal(died, 'SIGKILL')
    await Promise.allSettled(commands)
    await expect.poll(() => server.pid(), { timeout: 20_000 }).not.toBe(died)
  }
  expect(accepted.length).toBeGreaterThan(0)
  for (const [id, step] of accepted) {
    await expect
      .poll(() => readSteps(database.db, id).then(({ done }) => done, String), { timeout: 20_000 })
      .toContain(step)
  }
  await worker.stop()
  await listener.close()
  await database.close()
  await server.stop()
  rmSync(home, { recursive: true })
})
