// Stores the database of a Flotilla that was killed while it had executions in every status: see README.md beside.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '../../src/infra/database/embedded/server.ts'
import { silentLog } from '../../src/infra/log.ts'
import { Api } from '../scenarios/support/api.ts'
import { rehearse, type Side, statuses, waysToEach } from '../scenarios/support/every-status.ts'
import { type Flotilla, startFlotilla } from '../scenarios/support/flotilla.ts'
import { registerComponent } from '../scenarios/support/upgrades.ts'
import { keysOfHistories } from './keys.ts'
import { stepsOf, store } from './stored.ts'

const { values } = parseArgs({ options: { checkout: { type: 'string' } } })
const checkout = resolve(values.checkout ?? fileURLToPath(new URL('../..', import.meta.url)))
const main = join(checkout, 'src', 'main.ts')

/** Waits for pods for longer than recording takes, and for not much longer, because a test waits for the rest of them. */
const held = {
  request: { totalInstances: 2, batchSize: 1, maxUnavailablePercentage: 50, healthCheckTimeoutSeconds: 60 },
  faults: { readySeconds: 30 },
}

const home = mkdtempSync(join(tmpdir(), 'flotilla-history-'))
const server = await startEmbeddedPostgres({ home, log: silentLog, revive: false })
try {
  await record()
} finally {
  await server.stop()
  rmSync(home, { recursive: true, force: true })
}

async function record(): Promise<void> {
  const start = (args: readonly string[]): Promise<Flotilla> =>
    startFlotilla({ main, args, home: join(home, 'flotilla'), env: { ...keysOfHistories, DATABASE_URL: server.url } })
  const sideOf = async ({ url, adminKey }: Flotilla): Promise<Side> => {
    const api = new Api(url, adminKey)
    return { api, component: await registerComponent(api) }
  }
  const working = await start(['serve', '--no-sample'])
  await fill(await sideOf(working))
  await working.kill()
  // What is started now waits for a worker.
  const resting = await start(['serve', '--role', 'api'])
  const side = await sideOf(resting)
  await waysToEach(side, side).VALIDATING()
  await resting.kill()
  await write()
}

/** Executions in every status but VALIDATING, and in the middle of each strategy. */
async function fill(side: Side): Promise<void> {
  const ways = waysToEach(side, side, held)
  const others = statuses.filter((status) => status !== 'VALIDATING')
  const reached = await Promise.all([
    ...others.map(async (status) => ({ status, execution: await ways[status]() })),
    ...['BLUE_GREEN', 'RECREATE', 'STAGED'].map(async (strategy) => ({
      status: 'IN_PROGRESS',
      execution: await rehearse(side, { ...held.request, strategy }, held.faults),
    })),
    // It moves its first batch and waits for the approval of the second.
    { status: 'PAUSED', execution: await rehearse(side, { strategy: 'STAGED', totalInstances: 4, batchSize: 2 }) },
  ])
  await Promise.all(reached.map(({ status, execution }) => execution.untilStatus(status)))
  for (const { status, execution } of reached) {
    const now = await execution.read()
    if (now.status !== status) throw new Error(`one that was to be stored ${status} is ${now.status} already`)
  }
}

async function write(): Promise<void> {
  const client = new Client({ connectionString: server.url })
  await client.connect()
  const stored = (await store(client).finally(() => client.end())).replaceAll(home, '/var/lib')
  const newest = stepsOf(stored).at(-1)
  const path = fileURLToPath(new URL(`./${newest}.jsonl`, import.meta.url))
  writeFileSync(path, stored)
  console.log(`${path}: ${stored.split('\n').length - 1} lines`)
}
