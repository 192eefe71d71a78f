import { expect, test } from 'vitest'
import type { ExecutionCommand, Strategy } from './model.ts'
import { isTerminal } from './model.ts'
import { type FleetKind, fleetKinds } from './rehearsal/world.ts'
import { Guard } from './testing/invariants.ts'
import { type Fate, Simulation, say } from './testing/simulation.ts'

const commands: Readonly<Record<string, ExecutionCommand>> = {
  cancel: say.cancel,
  'cancel at once': say.cancelNow,
  rollback: say.rollback,
}
const fates: readonly Fate[] = ['done', 'lost', 'doneAndLost']
const paths: readonly Strategy[] = ['ROLLING', 'RECREATE']

/** A command after so many steps, the last of which ends so and lies back so long; then a look of before that step comes once more. */
function commandedAfter(
  steps: number,
  fate: Fate,
  command: ExecutionCommand,
  { kind, strategy, agoMs = 0 }: { kind: FleetKind; strategy: Strategy; agoMs?: number },
) {
  const times = { healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 2, batchDelaySeconds: 0 }
  const simulation = new Simulation({
    size: 8,
    kind,
    room: 0,
    spec: { strategy, maxUnavailablePercentage: 1, ...times },
  })
  new Guard(simulation, true)
  simulation.command(say.start)
  for (let step = 1; step < steps; step++) simulation.next()
  simulation.next(fate)
  simulation.now += agoMs
  simulation.command(command)
  simulation.step('done', 'stale')
  return simulation.run(() => false, 3_600_000).execution
}

const cases = fleetKinds.flatMap((kind) => paths.map((strategy) => ({ kind, strategy })))
test.each(cases)('a look that is older than the order to helm opens no gate: $strategy, $kind', (given) => {
  for (const command of Object.values(commands)) {
    for (const fate of fates) {
      for (const steps of [1, 2, 3, 4, 5, 6]) {
        expect(isTerminal(commandedAfter(steps, fate, command, given).status)).toBe(true)
      }
    }
  }
})

test.each(cases)('however much older, once the order was given: $strategy, $kind', (given) => {
  for (const command of Object.values(commands)) {
    for (const agoMs of [5_000, 60_000]) {
      for (const steps of [1, 2, 3, 4, 5, 6]) {
        expect(isTerminal(commandedAfter(steps, 'done', command, { ...given, agoMs }).status)).toBe(true)
      }
    }
  }
})
