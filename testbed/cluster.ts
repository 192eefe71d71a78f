import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { builtBinaries } from './cluster/build.ts'
import { GoMissingError } from './cluster/go.ts'
import { type RealCluster, startRealCluster } from './cluster/start.ts'
import { cacheFolder } from './support/cache.ts'

const END_WITH_STDIN = '--end-with-stdin'

/**
 * A real cluster. Without arguments it prints one line of JSON with the kubeconfig and runs until it is told to stop
 * (Ctrl-C, SIGTERM, or the end of its input after `--end-with-stdin`); with a command it runs that on the cluster, with
 * `CONTRACT_KUBECONFIG` and `KUBECONFIG` set, and ends as the command does.
 */
async function main(args: readonly string[]): Promise<number> {
  const binaries = await builtBinaries(join(cacheFolder(), 'testbed'), say)
  const cluster = await startRealCluster(binaries)
  // Signals before this one end the process at once, and with it whatever has been started.
  const told = whenTold(args.includes(END_WITH_STDIN))
  const command = args.filter((each) => each !== END_WITH_STDIN)
  const done = command.length === 0 ? serve(cluster) : run(command, cluster)
  const outcome = await Promise.race([told, done, cluster.failed])
  await cluster.stop()
  if (typeof outcome === 'number') return outcome
  say(outcome)
  return 1
}

const say = (line: string): void => console.error(`testbed: ${line}`)

/** Resolves when somebody wants the end: after a signal as a shell says it, 128 and its number. */
function whenTold(endWithStdin: boolean): Promise<number> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(130))
    process.once('SIGTERM', () => resolve(143))
    if (endWithStdin) process.stdin.once('close', () => resolve(0)).resume()
  })
}

function serve({ kubeconfig, port, pids }: RealCluster): Promise<never> {
  console.log(JSON.stringify({ ready: true, kubeconfig, port, pids }))
  return new Promise(() => {})
}

function run(command: readonly string[], { kubeconfig }: RealCluster): Promise<number> {
  const env = { ...process.env, CONTRACT_KUBECONFIG: kubeconfig, KUBECONFIG: kubeconfig }
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], { stdio: 'inherit', env })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  say(error instanceof GoMissingError ? error.message : String(error instanceof Error ? error.stack : error))
  process.exit(1)
}
