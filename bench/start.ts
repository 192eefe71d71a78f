import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFlotilla } from '../test/scenarios/support/flotilla.ts'
import { childrenOf, median, proportionalMb, residentMb } from './support/measure.ts'

/** The server's memory is read when it has had nothing to do for so long. */
const idleMs = 5_000

/** From the command to the line "ready", with embedded database and practice cluster, and the memory at rest. */
export async function start(rounds: number): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  try {
    const first = await startFlotilla({ home })
    await first.stop()
    const runs: Awaited<ReturnType<typeof startOnce>>[] = []
    for (let round = 0; round < rounds; round++) runs.push(await startOnce(home))
    const figure = (name: keyof (typeof runs)[number]) => median(runs.map((run) => run[name]))
    console.log(`start to ready: ${figure('seconds').toFixed(2)} s (aim 3)`)
    console.log(`memory at rest: server ${figure('server').toFixed(0)} MB (aim 250)`)
    console.log(
      `  besides, PostgreSQL ${figure('postgres').toFixed(0)} MB, practice cluster ${figure('cluster').toFixed(0)} MB`,
    )
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function startOnce(home: string) {
  const from = performance.now()
  const flotilla = await startFlotilla({ home })
  const seconds = (performance.now() - from) / 1000
  await sleep(idleMs)
  const parts = childrenOf(flotilla.pid)
  const postmaster = parts.find((pid) => childrenOf(pid).length > 0) ?? 0
  const cluster = parts.find((pid) => pid !== postmaster) ?? 0
  const memory = {
    server: residentMb(flotilla.pid),
    postgres: proportionalMb(postmaster),
    cluster: residentMb(cluster),
  }
  await flotilla.stop()
  return { seconds, ...memory }
}
