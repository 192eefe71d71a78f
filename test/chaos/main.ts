import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runChaos } from './run.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { kills: text, seed: text, gap: text } })
const kills = Number(values.kills ?? 300)
const seed = Number(values.seed ?? randomInt(1_000_000))
const [least = 300, most = 2_200] = (values.gap ?? '300,2200').split(',').map(Number)
if (![kills, seed, least, most].every(Number.isInteger) || kills < 1 || least > most) {
  throw new Error('usage: chaos [--kills N] [--seed N] [--gap LEAST,MOST (milliseconds between two faults)]')
}

const say = (line: string) => console.log(line)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The first ends everything in order; who cannot wait for it says so again, and everything is killed.
  process.on(signal, () => (stop.signal.aborted ? process.exit(130) : stop.abort(new Error(`stopped by ${signal}`))))
}
say(`seed ${seed}`)
try {
  const { lines, violations } = await runChaos({ kills, seed, gap: [least, most], say, signal: stop.signal })
  for (const line of [...lines, ...violations.map((violation) => `  VIOLATED ${violation}`)]) say(line)
  process.exitCode = violations.length > 0 ? 1 : 0
} catch (error) {
  if (!stop.signal.aborted) console.error(error)
  process.exitCode = stop.signal.aborted ? 130 : 1
}
// Also what still waits for its turn has nothing to do any more.
process.exit()
