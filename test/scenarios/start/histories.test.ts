import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { expect, inject, test } from 'vitest'
import { migrate, migrations } from '../../../src/infra/database/migrate.ts'
import { keysOfHistories } from '../../histories/keys.ts'
import { load, stepsOf } from '../../histories/stored.ts'
import { emptyDatabase } from '../../support/database.ts'
import { databaseUrl } from '../../support/database-server.ts'
import { Api } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { statuses } from '../support/every-status.ts'
import { removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import { type Execution, type UpgradeCommand, UpgradeHandle } from '../support/upgrades.ts'

const folder = fileURLToPath(new URL('../../histories/', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

type Stored = { readonly id: string; readonly status: string; readonly transitions: number }

/** A database of the schema that the file names, with everything in it; and its executions. */
async function restored(file: string) {
  const text = readFileSync(join(folder, file), 'utf8')
  const database = await emptyDatabase()
  const steps = stepsOf(text)
  await migrate(
    database.db,
    migrations.filter(({ name }) => steps.includes(name)),
  )
  const url = databaseUrl(inject('databaseServer').url, database.name)
  const client = new Client({ connectionString: url })
  await client.connect()
  await load(client, text)
  const { rows: executions } = await client.query<Stored>(
    `select id, status, jsonb_array_length(state -> 'transitions') as transitions from executions`,
  )
  await client.end()
  return { url, executions, close: database.close }
}

const ends = ['COMPLETED', 'ROLLED_BACK', 'FAILED', 'CANCELLED']

async function expectUnchanged(api: Api, { id, status, transitions }: Stored): Promise<void> {
  const read = await new UpgradeHandle(api, { id }).read()
  expect(read).toMatchObject({ status, waitingFor: null })
  expect(read.transitions).toHaveLength(transitions)
}

/** What an operator does where an execution waits for one. */
const nextCommand: Readonly<Record<string, UpgradeCommand>> = {
  PENDING: 'start',
  PAUSED: 'resume',
  CANARY_MONITORING: 'promote-canary',
}

function finished(api: Api, id: string): Promise<Execution> {
  const execution = new UpgradeHandle(api, { id })
  return eventually(
    `execution ${id} ends`,
    async () => {
      const now = await execution.read()
      const command = nextCommand[now.status]
      if (command !== undefined) await execution.send(command)
      return ends.includes(now.status) && now
    },
    { withinMs: 200_000, everyMs: 500 },
  )
}

async function expectFinished(api: Api, { id, status }: Stored): Promise<void> {
  const ended = await finished(api, id)
  // The one that goes back goes to pods that never come up again.
  const wanted = status === 'ROLLING_BACK' ? 'FAILED' : 'COMPLETED'
  expect([status, ended.status]).toEqual([status, wanted])
  if (wanted === 'COMPLETED') expect(new Set(ended.instances.map(({ version }) => version))).toEqual(new Set(['1.1.0']))
}

test.concurrent.each(files)(
  'of a database of %s, what had ended is as it was, and the rest is finished',
  async (file) => {
    const { url, executions, close } = await restored(file)
    expect(new Set(executions.map(({ status }) => status))).toEqual(new Set(statuses))
    const flotilla = await startFlotilla({ env: { ...keysOfHistories, DATABASE_URL: url } })
    const api = new Api(flotilla.url, flotilla.adminKey)
    try {
      const [ended, open] = [true, false].map((wanted) =>
        executions.filter((one) => ends.includes(one.status) === wanted),
      )
      await Promise.all((open ?? []).map((execution) => expectFinished(api, execution)))
      await Promise.all((ended ?? []).map((execution) => expectUnchanged(api, execution)))
    } finally {
      await removeFlotilla(flotilla)
      await close()
    }
  },
  300_000,
)
