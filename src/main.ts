import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

process.umask(0o077)
// Half of a start is reading some hundred files of TypeScript. What they became is kept beside the packages, where only
// who may write the code itself may write; where nobody may (an image), a start is as slow as the first one.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/flotilla', import.meta.url)))
const { run } = await import('./composition/run.ts')
// Kept now: a server that is killed keeps nothing at its end.
flushCompileCache()
await run(process.argv.slice(2), process.env)
