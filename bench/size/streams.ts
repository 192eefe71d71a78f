import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Flotilla, removeFlotilla, startFlotilla } from '../../test/scenarios/support/flotilla.ts'
import { atOnce, call } from '../support/api.ts'
import { type Asker, askerOf, latencies, milliseconds, quantile } from '../support/latency.ts'
import { cpuOf, residentMb } from '../support/measure.ts'

/** A caller may have so many streams. */
const perKey = 20
const processes = 2
const events = 5
const idleSeconds = 10

/** A process of clients, and the lines that it has said. */
type Clients = { readonly child: ChildProcess; readonly next: () => Promise<string> }

/**
 * So many streams of `GET /events`, of callers with twenty each: what one costs the server, how long an event takes to reach
 * all of them, and what else is answered beside them.
 */
export async function ofStreams(count: number): Promise<void> {
  const flotilla = await startFlotilla({ dropLog: true })
  const admin = askerOf(flotilla.url, flotilla.adminKey)
  const clients: Clients[] = []
  try {
    const keys = await makeKeys(flotilla, Math.ceil(count / perKey))
    const alone = await beside(admin)
    const before = residentMb(flotilla.pid)
    const from = performance.now()
    const share = Math.ceil(keys.length / processes)
    for (let n = 0; n < processes; n++) clients.push(openClients(flotilla, keys.slice(n * share, (n + 1) * share)))
    await Promise.all(clients.map(({ next }) => next()))
    const seconds = (performance.now() - from) / 1000
    const open = keys.length * perKey
    const used = cpuOf(flotilla.pid).own
    await sleep(idleSeconds * 1000)
    const cores = (cpuOf(flotilla.pid).own - used) / idleSeconds
    const after = residentMb(flotilla.pid)
    console.log(`${open} event streams, opened in ${seconds.toFixed(1)} s`)
    console.log(`  memory: server ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB with them`)
    console.log(`  ${((1024 * (after - before)) / open).toFixed(1)} kB a stream; at rest ${cores.toFixed(2)} cores`)
    await reach(flotilla, clients)
    const with_ = await beside(admin)
    console.log(`  GET /me beside them: ${with_}; without them: ${alone}`)
    for (const { child } of clients) child.kill()
    await sleep(idleSeconds * 1000)
    console.log(`  memory when they have gone: server ${residentMb(flotilla.pid).toFixed(0)} MB`)
  } finally {
    for (const { child } of clients) child.kill()
    await admin.pool.close()
    await removeFlotilla(flotilla)
  }
}

async function makeKeys(flotilla: Flotilla, count: number): Promise<readonly string[]> {
  const tenantId = '00000000-0000-4000-8000-00000000be7c'
  await call(flotilla, 'POST', '/tenants', { id: tenantId, name: 'bench', namespaces: ['bench'] })
  const keys: string[] = []
  await atOnce(4, [...Array(count).keys()], async () => {
    const made = { name: 'stream', role: 'viewer', tenants: [tenantId] }
    keys.push((await call<{ key: string }>(flotilla, 'POST', '/api-keys', made)).key)
  })
  return keys
}

function openClients(flotilla: Flotilla, keys: readonly string[]): Clients {
  const program = fileURLToPath(new URL('stream-clients.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.stdin.write(`${JSON.stringify({ port: Number(new URL(flotilla.url).port), keys, each: perKey })}\n`)
  const next = async () => {
    const line = await lines.next()
    if (line.done === true) throw new Error('the streams broke')
    return line.value
  }
  return { child, next }
}

/** How long after it was asked for an event has reached the half, and all. */
async function reach(flotilla: Flotilla, clients: readonly Clients[]): Promise<void> {
  const half: number[] = []
  const all: number[] = []
  for (let n = 0; n < events; n++) {
    const name = `bench-event-${n}`
    for (const { child } of clients) child.stdin?.write(`${name}"\n`)
    await sleep(1_000)
    const from = Date.now()
    const found = Promise.all(clients.map(({ next }) => next()))
    await call(flotilla, 'POST', '/registry/components', { name, category: 'QUERY_ENGINE', chartName: 'bench' })
    const moments = (await found).flatMap((line) => JSON.parse(line) as number[]).sort((a, b) => a - b)
    half.push(quantile(moments, 0.5) - from)
    all.push(quantile(moments, 1) - from)
  }
  const middle = (times: readonly number[]) =>
    milliseconds(
      quantile(
        [...times].sort((a, b) => a - b),
        0.5,
      ),
    )
  console.log(`  an event has reached half of them in ${middle(half)}, all in ${middle(all)} (medians of ${events})`)
}

async function beside(admin: Asker): Promise<string> {
  const found = await latencies(admin, () => '/me', { samples: 200, seconds: 10 })
  return `p50 ${milliseconds(quantile(found, 0.5))}, p99 ${milliseconds(quantile(found, 0.99))}`
}
