import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findHelm } from '../../src/infra/helm/index.ts'
import { encodeRelease } from '../../src/infra/helm/storage/codec.ts'
import { resources } from '../../src/infra/kubernetes/index.ts'
import { ClusterView } from '../../test/scenarios/support/cluster-view.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../../test/scenarios/support/flotilla.ts'
import { atOnce, call } from '../support/api.ts'
import { type Asker, ask, askerOf, milliseconds, quantile } from '../support/latency.ts'
import { median, residentMb } from '../support/measure.ts'

const namespace = 'bench'
const page = '/helm/releases?limit=100'
/** After so long it is said how many releases have been taken in, and measured with those. */
const patienceMs = 240_000

/**
 * A page of 100 of so many releases, against `helm list -A --max 100` on the same cluster, alternating. The releases are
 * written into the cluster as another hand's; how long it takes to take them in is told too.
 */
export async function ofListing(count: number, rounds: number): Promise<void> {
  const flotilla = await startFlotilla({ dropLog: true })
  const cluster = new ClusterView(flotilla.kubeconfig)
  const admin = askerOf(flotilla.url, flotilla.adminKey)
  try {
    const before = residentMb(flotilla.pid)
    const place = { id: '00000000-0000-4000-8000-00000000be7c', name: 'bench', namespaces: [namespace] }
    await call(flotilla, 'POST', '/tenants', place)
    await cluster.client.create(resources.namespaces, { metadata: { name: namespace } }).catch(() => undefined)
    const from = performance.now()
    await atOnce(16, [...Array(count).keys()], (n) => cluster.client.create(resources.secrets, recordOf(`app-${n}`)))
    const written = (performance.now() - from) / 1000
    const taken = await takenIn(admin, count)
    const seconds = ((performance.now() - from) / 1000).toFixed(0)
    console.log(`${taken} of ${count} releases of another hand were taken in after ${seconds} s`)
    console.log(`  ${written.toFixed(0)} s of it were their writing into the practice cluster`)
    await compare(flotilla, admin, rounds)
    console.log(`  memory: server ${before.toFixed(0)} MB before, ${residentMb(flotilla.pid).toFixed(0)} MB after`)
  } finally {
    await admin.pool.close()
    await cluster.close()
    await removeFlotilla(flotilla)
  }
}

/** A record of Helm's as a small chart leaves it. */
function recordOf(name: string) {
  const release = encodeRelease({
    ...{ name, namespace, version: 1, config: { replicaCount: 2 } },
    manifest: `---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  greeting: hello\n`,
    info: { status: 'deployed', first_deployed: '2026-01-02T03:04:05Z', last_deployed: '2026-01-02T03:04:05Z' },
    chart: {
      metadata: { name: 'bench', version: '1.0.0', apiVersion: 'v2', appVersion: '1.0' },
      templates: [],
      values: {},
    },
  })
  const labels = { owner: 'helm', name, status: 'deployed', version: '1' }
  const metadata = { namespace, name: `sh.helm.release.v1.${name}.v1`, labels }
  return { metadata, type: 'helm.sh/release.v1', data: { release } }
}

async function takenIn(admin: Asker, count: number): Promise<number> {
  const end = performance.now() + patienceMs
  for (;;) {
    const { total } = await ask(admin, '/helm/releases?limit=1')
    if (Number(total) >= count || performance.now() > end) return Number(total)
    await sleep(500)
  }
}

async function compare(flotilla: Flotilla, admin: Asker, rounds: number): Promise<void> {
  const { path: helm } = await findHelm({ path: undefined, configured: undefined, cacheFolder: flotilla.home })
  const env = { PATH: '/usr/bin:/bin', HOME: flotilla.home, KUBECONFIG: flotilla.kubeconfig }
  const list = () => promisify(execFile)(helm, ['list', '-A', '--max', '100'], { env, maxBuffer: 1 << 24 })
  const ours: number[] = []
  const helms: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 20; n++) ours.push(await timed(() => ask(admin, page)))
    helms.push(await timed(list))
  }
  const sorted = [...ours].sort((a, b) => a - b)
  const told = `p50 ${milliseconds(median(ours))}, p99 ${milliseconds(quantile(sorted, 0.99))}`
  console.log(`  a page of 100: ${told}; helm list -A --max 100: ${milliseconds(median(helms))}`)
  console.log(`  ${(median(helms) / median(ours)).toFixed(0)} pages in the time of one helm list`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}
