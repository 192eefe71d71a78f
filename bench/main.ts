import { parseArgs } from 'node:util'
import { batch } from './batch.ts'
import { executions, startedAtOnce } from './executions.ts'
import { reads } from './reads.ts'
import { simulate } from './simulate.ts'
import { size } from './size.ts'
import { start } from './start.ts'

/**
 * Figures, each as a ratio within one run, because machines differ and are shared:
 * `npm run bench -- batch|reads|start|executions|burst|simulate|size`. `--releases`, `--rounds` and `--executions` make it shorter or
 * longer. `simulate --executions 1000000` drives upgrade executions on simulated fleets; it measures the decisions alone,
 * and that each execution ends. `size` takes `--rows`, `--clients`, `--listed`, `--queued`, and `--part` for one of its parts:
 * rows, streams, listing or queue. All of it takes half an hour or more, and 2 GB of disk.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    releases: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    executions: { type: 'string', default: '10000' },
    interval: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    rows: { type: 'string', default: '1000000' },
    clients: { type: 'string', default: '10000' },
    listed: { type: 'string', default: '10000' },
    queued: { type: 'string', default: '1000' },
    part: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const benches: Readonly<Record<string, () => Promise<void>>> = {
  batch: () => batch(Number(values.releases), rounds),
  reads: () => reads(rounds),
  start: () => start(rounds),
  simulate: async () => simulate(Number(values.executions), Number(values.seed)),
  executions: () => executions(Number(values.executions), Number(values.interval)),
  burst: () => startedAtOnce(Number(values.executions)),
  size: () =>
    size({
      ...{ rows: Number(values.rows), clients: Number(values.clients), listed: Number(values.listed) },
      ...{ queued: Number(values.queued), rounds, part: values.part },
    }),
}
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const bench = benches[name]
  if (bench === undefined) throw new Error(`no such bench: ${name}; there are ${Object.keys(benches).join(', ')}`)
  await bench()
}
