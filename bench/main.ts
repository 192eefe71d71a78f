import { parseArgs } from 'node:util'
import { batch } from './batch.ts'
import { reads } from './reads.ts'
import { start } from './start.ts'

/**
 * Figures, each as a ratio within one run, because machines differ and are shared: `npm run bench -- batch|reads|start`.
 * `--releases` and `--rounds` make it shorter or longer.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { releases: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
})
const rounds = Number(values.rounds)
const benches: Readonly<Record<string, () => Promise<void>>> = {
  batch: () => batch(Number(values.releases), rounds),
  reads: () => reads(rounds),
  start: () => start(rounds),
}
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const bench = benches[name]
  if (bench === undefined) throw new Error(`no such bench: ${name}; there are ${Object.keys(benches).join(', ')}`)
  await bench()
}
