import { readOptions } from './server/options.ts'
import { startServer } from './server/process.ts'

process.umask(0o077)
// Whoever read the log may be gone before this process is.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

try {
  const options = readOptions(process.argv.slice(2), process.env)
  const running = await startServer(options)
  const stop = () => {
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  if (options.endWithStdin) process.stdin.once('close', stop).resume()
  console.log(JSON.stringify({ ready: true, simulated: true, port: running.port, kubeconfig: running.kubeconfig }))
} catch (error) {
  console.error(`practice-cluster: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
