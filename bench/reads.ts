import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { findHelm } from '../src/infra/helm/index.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../test/scenarios/support/flotilla.ts'
import { call } from './support/api.ts'
import { installFleet, packageCharts } from './support/fleet.ts'
import { cpuOf, cpuOfTree, median, postmasterOf } from './support/measure.ts'

const connections = 16
const secondsEach = 3

/** Requests a second, and CPU seconds that each part has used. */
type Run = { readonly rate: number; readonly answers: number; readonly cpu: Readonly<Record<string, number>> }
type Target = { readonly url: string; readonly cpu: () => Readonly<Record<string, number>> }

/**
 * Requests a second for one release, against the bare framework answering the same JSON. They alternate. CPU a request
 * says more than the rate where the machine is shared.
 */
export async function reads(rounds: number): Promise<void> {
  const charts = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  const { path: helm } = await findHelm({ path: undefined, configured: undefined, cacheFolder: charts })
  packageCharts(charts, 0, helm)
  const flotilla = await startFlotilla({ env: { CHART_FOLDERS: charts }, dropLog: true })
  const bare = spawn(process.execPath, [fileURLToPath(new URL('bare-server.ts', import.meta.url))])
  try {
    await installFleet(flotilla, charts, 1)
    const [release] = await call<{ id: string }[]>(flotilla, 'GET', '/helm/releases')
    const path = `/api/v1/helm/releases/${release?.id}`
    const headers = { authorization: `Bearer ${flotilla.adminKey}` }
    bare.stdin.end(await (await fetch(flotilla.url + path, { headers })).text())
    const [bareUrl] = (await once(createInterface({ input: bare.stdout }), 'line')) as [string]
    const ours = targetOf(flotilla)
    const theirs = { url: bareUrl, cpu: () => ({ server: cpuOf(bare.pid ?? 0).own, client: cpuOf('self').own }) }
    const read = (target: Target) => ask(target, path, headers)
    await read(ours)
    await read(theirs)
    const runs = []
    for (let round = 0; round < rounds; round++) runs.push({ ours: await read(ours), bare: await read(theirs) })
    report(runs)
  } finally {
    bare.kill()
    await removeFlotilla(flotilla)
    rmSync(charts, { recursive: true, force: true })
  }
}

function targetOf({ url, pid }: Flotilla): Target {
  const postmaster = postmasterOf(pid)
  const cpu = () => ({ server: cpuOf(pid).own, PostgreSQL: cpuOfTree(postmaster), client: cpuOf('self').own })
  return { url, cpu }
}

/** Asks as fast as answers come, on some connections. Throws for an answer that is no success. */
async function ask({ url, cpu }: Target, path: string, headers: Readonly<Record<string, string>>): Promise<Run> {
  const pool = new Pool(url, { connections })
  const before = cpu()
  const from = performance.now()
  const end = from + secondsEach * 1000
  let answers = 0
  const askOn = async () => {
    while (performance.now() < end) {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
      await body.dump()
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
      answers++
    }
  }
  await Promise.all(Array.from({ length: connections }, askOn))
  const seconds = (performance.now() - from) / 1000
  const used = Object.entries(cpu()).map(([part, total]) => [part, total - (before[part] ?? 0)] as const)
  await pool.close()
  return { rate: answers / seconds, answers, cpu: Object.fromEntries(used) }
}

function report(runs: readonly { readonly ours: Run; readonly bare: Run }[]): void {
  const ours = runs.map((run) => run.ours)
  const bare = runs.map((run) => run.bare)
  console.log(`one release: ${rateOf(ours)} requests a second, the bare framework ${rateOf(bare)}`)
  console.log(
    `  ${median(runs.map((run) => run.ours.rate / run.bare.rate)).toFixed(2)} of the bare framework (aim 0.6)`,
  )
  console.log(`  CPU µs a request: ${cpuOfRequest(ours)}; bare: ${cpuOfRequest(bare)}`)
}

const rateOf = (runs: readonly Run[]): string => median(runs.map((run) => run.rate)).toFixed(0)

function cpuOfRequest(runs: readonly Run[]): string {
  const parts = Object.keys(runs[0]?.cpu ?? {})
  const micros = (part: string) => median(runs.map((run) => (1e6 * (run.cpu[part] ?? 0)) / run.answers))
  return parts.map((part) => `${part} ${micros(part).toFixed(0)}`).join(', ')
}
