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
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
say(`seed ${seed}`)
const { lines, violations, logs } = await runChaos({ kills, seed, gap: [least, most], say })
for (const line of [...lines, ...violations.map((violation) => `  VIOLATED ${violation}`)]) say(line)
if (logs !== undefined) say(`logs and data: ${logs}`)
process.exitCode = violations.length > 0 ? 1 : 0
