import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { findHelm } from '../src/infra/helm/index.ts'
import { type Flotilla, startFlotilla } from '../test/scenarios/support/flotilla.ts'
import { type Bare, bareHelm, installFleet, packageCharts, upgradeFleet } from './support/fleet.ts'
import { type Cpu, childrenOf, cpuOf, cpuOfTree, median, postmasterOf } from './support/measure.ts'

/** One run of a variant: wall-clock seconds, and CPU seconds of each part. */
type Run = { readonly seconds: number; readonly cpu: Readonly<Record<string, number>> }
type Stage = { readonly home: string; readonly clusterPid: number; readonly bare: Bare; readonly count: number }

/**
 * Upgrades a fleet without waiting for workloads: through the API, four at once, against the same upgrades by bare
 * `helm upgrade`, four at once (`xargs -P4`) and in a loop. The variants alternate on one practice cluster; Flotilla
 * runs during its own rounds only.
 */
export async function batch(count: number, rounds: number): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'flotilla-bench-'))
  const cluster = await startPracticeClusterProcess({ data: join(home, 'cluster'), onLog: () => undefined })
  try {
    const { path: helm } = await findHelm({ path: undefined, configured: undefined, cacheFolder: join(home, 'tools') })
    const bare = { helm, kubeconfig: cluster.kubeconfig, folder: join(home, 'charts') }
    const stage = { home, clusterPid: cluster.pid, bare, count }
    packageCharts(bare.folder, rounds * 2, helm)
    await prepare(stage)
    report(await alternate(stage, rounds), count)
  } finally {
    await cluster.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

async function prepare({ home, bare, count }: Stage): Promise<void> {
  await bareHelm(bare, 0, count, 4)
  const flotilla = await start(home, bare)
  await installFleet(flotilla, bare.folder, count).finally(() => flotilla.stop())
}

const start = (home: string, bare: Bare): Promise<Flotilla> =>
  startFlotilla({
    home: join(home, 'flotilla'),
    env: { KUBECONFIG: bare.kubeconfig, CHART_FOLDERS: bare.folder, HELM_BIN: bare.helm },
  })

type Runs = { readonly flotilla: Run[]; readonly xargs: Run[]; readonly loop: Run[] }

async function alternate(stage: Stage, rounds: number): Promise<Runs> {
  const runs: Runs = { flotilla: [], xargs: [], loop: [] }
  for (let round = 1; round <= rounds; round++) {
    runs.flotilla.push(await runFlotilla(stage, round))
    runs.xargs.push(await runBare(stage, 2 * round - 1, 4))
    runs.loop.push(await runBare(stage, 2 * round, 1))
  }
  return runs
}

/** The first upgrade of the fleet only warms the process up: servers run for long. */
async function runFlotilla({ home, bare, clusterPid, count }: Stage, round: number): Promise<Run> {
  const flotilla = await start(home, bare)
  const postmaster = postmasterOf(flotilla.pid)
  // Helms are children of the launcher, which is there since the warm-up.
  const read = () => {
    const launchers = childrenOf(flotilla.pid).filter((pid) => pid !== postmaster)
    const sum = (part: keyof Cpu) => [flotilla.pid, ...launchers].reduce((all, pid) => all + cpuOf(pid)[part], 0)
    return {
      ...{ helm: sum('children'), Flotilla: sum('own'), PostgreSQL: cpuOfTree(postmaster) },
      cluster: cpuOf(clusterPid).own,
    }
  }
  try {
    await upgradeFleet(flotilla, 2 * round - 1, count)
    return await timed(read, () => upgradeFleet(flotilla, 2 * round, count))
  } finally {
    await flotilla.stop()
  }
}

function runBare({ bare, clusterPid, count }: Stage, round: number, workers: number): Promise<Run> {
  const read = () => ({ helm: cpuOf('self').children, cluster: cpuOf(clusterPid).own })
  return timed(read, () => bareHelm(bare, round, count, workers))
}

async function timed(read: () => Record<string, number>, work: () => Promise<void>): Promise<Run> {
  const before = read()
  const from = performance.now()
  await work()
  const seconds = (performance.now() - from) / 1000
  const used = Object.entries(read()).map(([part, cpu]) => [part, cpu - (before[part] ?? 0)] as const)
  return { seconds, cpu: Object.fromEntries(used) }
}

function report({ flotilla, xargs, loop }: Runs, count: number): void {
  console.log(`${count} upgrades without waiting, medians of ${flotilla.length} alternating runs`)
  for (const [name, runs] of Object.entries({ 'Flotilla, 4 at once': flotilla, 'xargs -P4': xargs, 'a loop': loop })) {
    const perMinute = Math.round((60 * count) / median(runs.map((run) => run.seconds)))
    const parts = Object.keys(runs[0]?.cpu ?? {}).map((part) => `${part} ${cpuMs(runs, part, count).toFixed(1)}`)
    console.log(`  ${name}: ${perMinute} a minute; CPU ms a release: ${parts.join(', ')}`)
  }
  const ratio = (to: readonly Run[]) => median(flotilla.map(({ seconds }, at) => (to[at]?.seconds ?? 0) / seconds))
  const helm = median(flotilla.map((run, at) => (run.cpu.helm ?? 0) / (xargs[at]?.cpu.helm ?? Number.NaN)))
  console.log(`rate: ${ratio(xargs).toFixed(2)} of xargs -P4 (aim 1.2), ${ratio(loop).toFixed(2)} of a loop`)
  console.log(`helm's CPU: ${helm.toFixed(2)} of bare helm's (aim 0.8)`)
}

function cpuMs(runs: readonly Run[], part: string, count: number): number {
  return (1000 * median(runs.map((run) => run.cpu[part] ?? 0))) / count
}
