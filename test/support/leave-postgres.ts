import { startEmbeddedPostgres } from '../../src/infra/database/embedded/server.ts'
import { silentLog } from '../../src/infra/log.ts'

/** A program: starts PostgreSQL on the folder that it is given, prints its process and address, and dies of kill -9. */
const home = process.argv[2] ?? ''
const server = await startEmbeddedPostgres({ home, log: silentLog, revive: false })
process.stdout.write(JSON.stringify({ pid: server.pid(), url: server.url }), () => process.kill(process.pid, 'SIGKILL'))
