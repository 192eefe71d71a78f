import { expect, test } from 'vitest'
import { runChaos } from '../chaos/run.ts'

test('what was accepted survives kill -9 of every part, and everything agrees afterwards', {
  timeout: 240_000,
}, async () => {
  const seed = Number(process.env.CHAOS_SEED ?? 7)
  const { lines, violations, logs } = await runChaos({ kills: 12, seed, gap: [300, 1_500], say: () => {} })
  expect(violations, `${lines.join('\n')}\nlogs and data: ${logs}`).toEqual([])
})
