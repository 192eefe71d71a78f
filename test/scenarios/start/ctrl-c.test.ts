import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { processesOf } from '../../chaos/processes.ts'
import { testedHelmEnv } from '../../support/tested-helm.ts'
import { Api, ok } from '../support/api.ts'
import { writeCharts } from '../support/charts.ts'
import { eventually } from '../support/eventually.ts'
import { removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import type { Operation } from '../support/releases.ts'

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const tenantId = '550e8400-e29b-41d4-a716-446655440000'
const namesOf = async (home: string) =>
  (await processesOf(home)).map(({ name, commandLine }) => `${name}: ${commandLine}`)

test('Ctrl-C in the middle of an install ends everything in order; at the next start the install goes on', async () => {
  const charts = await writeCharts()
  const env = { CHART_FOLDERS: charts }
  const first = await startFlotilla({ env, ownGroup: true })
  const { home } = first
  const api = new Api(first.url, first.adminKey)
  ok(await api.post('/chart-sources', { name: 'test-charts', type: 'folder', url: charts, priority: 200 }), 201)
  const hook = { runMs: 4_000, events: 'pre-install' }
  const wanted = { tenantId, namespace: 'stopped', releaseName: 'app', chartName: 'hooked', chartVersion: '1.0.0' }
  const body = { ...wanted, valuesOverride: { hook } }
  const accepted = await api.post<{ operationId: string }>('/helm/releases', body, { prefer: 'respond-async' })
  const { operationId } = ok(accepted, 202)
  await eventually('helm runs', async () => (await namesOf(home)).some((name) => name.startsWith('helm')))

  process.kill(-first.pid, 'SIGINT')
  expect(await first.exited).toBe(0)
  expect(await namesOf(home)).toEqual([])

  const second = await startFlotilla({ env, home })
  const again = new Api(second.url, second.adminKey)
  await eventually(
    'the install has ended',
    async () => {
      const { status } = ok(await again.get<Operation>(`/operations/${operationId}`))
      return status === 'SUCCEEDED'
    },
    { withinMs: 60_000 },
  )
  await removeFlotilla(second)
  await rm(charts, { recursive: true })
})

test('a terminal that is closed stops all of it in order', async () => {
  const flotilla = await startFlotilla({ ownGroup: true })
  process.kill(-flotilla.pid, 'SIGHUP')
  expect(await flotilla.exited).toBe(0)
  expect(await namesOf(flotilla.home)).toEqual([])
  await removeFlotilla(flotilla)
})

/** Runs until the output that it is told to has come, and nobody reads on from there. */
async function unread(home: string, said: RegExp) {
  const env = { PATH: process.env.PATH, HOME: home, FLOTILLA_HOME: home, PORT: '0', ...testedHelmEnv }
  const child = spawn(process.execPath, [main, 'serve', '--no-sample'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let output = ''
  for await (const text of child.stdout) {
    output += String(text)
    const found = said.exec(output)
    if (found !== null) return { exited, said: found[0] }
  }
  throw new Error(`it has ended: ${output}`)
}

test('so does a reader of its output that goes while it starts', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-unread-'))
  const { exited } = await unread(home, /./)
  expect(await exited).toBe(0)
  expect(await namesOf(home)).toEqual([])
  await rm(home, { recursive: true })
})

test('so does one that goes later, with the next line', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-unread-'))
  const { exited, said } = await unread(home, /http:\/\/[^"]+(?="[^\n]*"msg":"ready")/)
  // Each answer is a line.
  await fetch(`${said}/api/v1/me`)
  expect(await exited).toBe(0)
  expect(await namesOf(home)).toEqual([])
  await rm(home, { recursive: true })
})
