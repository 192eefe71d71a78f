import { run } from './composition/run.ts'

process.umask(0o077)
await run(process.argv.slice(2), process.env)
