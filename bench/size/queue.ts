import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findHelm } from '../../src/infra/helm/index.ts'
import { removeFlotilla, startFlotilla } from '../../test/scenarios/support/flotilla.ts'
import { atOnce, call } from '../support/api.ts'
import { packageCharts, versionOf } from '../support/fleet.ts'
import { type Asker, ask, askerOf } from '../support/latency.ts'
import { residentMb } from '../support/measure.ts'

/** So many operations of a tenant may wait; what is above is 429. */
const eachTenant = 50

/** So many installs that are accepted as quickly as they are taken: until all have ended, and the memory of the server. */
export async function ofQueue(count: number): Promise<void> {
  const charts = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  const { path: helm } = await findHelm({ path: undefined, configured: undefined, cacheFolder: charts })
  packageCharts(charts, 0, helm)
  const flotilla = await startFlotilla({ env: { CHART_FOLDERS: charts }, dropLog: true })
  const admin = askerOf(flotilla.url, flotilla.adminKey)
  try {
    await call(flotilla, 'POST', '/chart-sources', { name: 'bench', type: 'folder', url: charts })
    const before = residentMb(flotilla.pid)
    const from = performance.now()
    const since = () => ((performance.now() - from) / 1000).toFixed(1)
    await atOnce(8, [...Array(count).keys()], (n) => accept(admin, n))
    const accepted = since()
    const most = await ended(admin, count, () => residentMb(flotilla.pid))
    const { total } = await ask(admin, '/helm/releases?limit=1&status=DEPLOYED')
    console.log(
      `${count} installs without waiting, of ${Math.ceil(count / eachTenant)} tenants: accepted in ${accepted} s`,
    )
    console.log(`  all ended after ${since()} s, ${total} DEPLOYED`)
    const after = residentMb(flotilla.pid)
    console.log(
      `  memory: server ${before.toFixed(0)} MB before, ${most.toFixed(0)} at most, ${after.toFixed(0)} after`,
    )
  } finally {
    await admin.pool.close()
    await removeFlotilla(flotilla)
    rmSync(charts, { recursive: true, force: true })
  }
}

async function accept({ pool, headers }: Asker, n: number): Promise<void> {
  const tenant = Math.floor(n / eachTenant)
  const answer = await pool.request({
    ...{ method: 'POST', path: '/api/v1/helm/releases' },
    headers: { ...headers, 'content-type': 'application/json', prefer: 'respond-async' },
    body: JSON.stringify({
      tenantId: `00000000-0000-4000-8000-${String(tenant).padStart(12, '0')}`,
      ...{ namespace: `queue-${tenant}`, releaseName: `app-${n}` },
      ...{ chartName: 'bench', chartVersion: versionOf(0), wait: false },
    }),
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 202) throw new Error(`${answer.statusCode} ${text}`)
}

/** Waits until nothing is pending any more; the most that a figure came to. */
async function ended(admin: Asker, count: number, figure: () => number): Promise<number> {
  for (let most = figure(); ; most = Math.max(most, figure())) {
    const { total: all } = await ask(admin, '/helm/releases?limit=1')
    const { total: pending } = await ask(admin, '/helm/releases?limit=1&status=PENDING_INSTALL')
    if (Number(pending) === 0 && Number(all) === count) return most
    await sleep(500)
  }
}
