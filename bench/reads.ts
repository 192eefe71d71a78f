import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { findHelm } from '../src/infra/helm/index.ts'
import { removeFlotilla, startFlotilla } from '../test/scenarios/support/flotilla.ts'
import { call } from './support/api.ts'
import { installFleet, packageCharts } from './support/fleet.ts'
import { median } from './support/measure.ts'

const connections = 16
const secondsEach = 3

/** Requests a second for one release, against the bare framework answering the same JSON. They alternate. */
export async function reads(rounds: number): Promise<void> {
  const charts = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  const { path: helm } = await findHelm({ path: undefined, configured: undefined, cacheFolder: charts })
  packageCharts(charts, 0, helm)
  const flotilla = await startFlotilla({ env: { CHART_FOLDERS: charts } })
  const bare = spawn(process.execPath, [fileURLToPath(new URL('bare-server.ts', import.meta.url))])
  try {
    await installFleet(flotilla, charts, 1)
    const [release] = await call<{ id: string }[]>(flotilla, 'GET', '/helm/releases')
    const path = `/api/v1/helm/releases/${release?.id}`
    const headers = { authorization: `Bearer ${flotilla.adminKey}` }
    const answer = await (await fetch(flotilla.url + path, { headers })).text()
    bare.stdin.end(answer)
    const [bareUrl] = (await once(createInterface({ input: bare.stdout }), 'line')) as [string]
    const runs = []
    await rate(flotilla.url, path, headers)
    await rate(bareUrl, path, headers)
    for (let round = 0; round < rounds; round++) {
      const ours = await rate(flotilla.url, path, headers)
      runs.push({ ours, bare: await rate(bareUrl, path, headers) })
    }
    console.log(`one release: ${median(runs.map((run) => run.ours)).toFixed(0)} requests a second`)
    console.log(`  ${median(runs.map(({ ours, bare }) => ours / bare)).toFixed(2)} of the bare framework (aim 0.6)`)
  } finally {
    bare.kill()
    await removeFlotilla(flotilla)
    rmSync(charts, { recursive: true, force: true })
  }
}

/** Asks as fast as answers come, on some connections. Throws for an answer that is no success. */
async function rate(url: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const pool = new Pool(url, { connections })
  const from = performance.now()
  const end = from + secondsEach * 1000
  let answers = 0
  const ask = async () => {
    while (performance.now() < end) {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
      await body.dump()
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
      answers++
    }
  }
  await Promise.all(Array.from({ length: connections }, ask))
  const seconds = (performance.now() - from) / 1000
  await pool.close()
  return answers / seconds
}
