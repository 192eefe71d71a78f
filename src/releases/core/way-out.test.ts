import { expect, test } from 'vitest'
import type { OperationRequest } from './model.ts'
import type { Fate } from './testing/helmworld.ts'
import { Simulation } from './testing/simulation.ts'

/** Where a hook hinders, the error tells that it can be left out: docs/adr/0053 and 0060. */

const hook = 'the hook Job web-hook had not ended'
const ways = {
  rollback: '; where a hook hinders, a rollback with "hooks": false leaves hooks out',
  uninstall: '; where a hook hinders, DELETE with hooks=false leaves hooks out',
} as const
type Kind = keyof typeof ways

/** Deployed at revision 2, with one more operation that has been asked for. */
function asked(kind: Kind | 'upgrade', change: Partial<OperationRequest> = {}): Simulation {
  const simulation = new Simulation()
  simulation.settleDown()
  simulation.command({ kind: 'upgrade', operation: simulation.operation(), ifRevision: 1 })
  simulation.settleDown()
  const operation = simulation.operation({ targetRevision: 1, ...change })
  simulation.command({ kind, operation, ifRevision: 2 })
  simulation.world.leftByHook = hook
  return simulation
}

/** Helm is lost in a hook with its server, and the time is over when another looks. */
function lostTooLong(simulation: Simulation): void {
  simulation.step('lostPending')
  simulation.now += 10_000_000
  simulation.settleDown()
}

/** Helm is lost each time, until it is not carried out again. */
function lostForGood(simulation: Simulation): void {
  const isPending = () => simulation.world.newest()?.status.startsWith('pending-') === true
  const fate = (): Fate => (isPending() ? 'done' : 'lostPending')
  while (simulation.state.operation?.endedAt === null) simulation.step(fate())
}

const errorOf = ({ state }: Simulation) => state.operation?.outcome?.error

const kinds: readonly Kind[] = ['rollback', 'uninstall']
test.each(kinds)('a %s that was cut off in a hook and has no time left', (kind) => {
  const simulation = asked(kind)
  lostTooLong(simulation)
  const detail = expect.stringMatching(new RegExp(`${hook}${ways[kind]}$`))
  expect(errorOf(simulation)).toMatchObject({ code: expect.stringMatching('timed_out|interrupted'), detail })
})

test.each(kinds)('a %s that was cut off in its hook for good', (kind) => {
  const simulation = asked(kind)
  lostForGood(simulation)
  const detail = expect.stringMatching(new RegExp(`${hook}${ways[kind]}$`))
  expect(errorOf(simulation)).toMatchObject({ code: 'interrupted', detail })
})

test('one that left none, and one of an upgrade, which has no such way', () => {
  const none = asked('rollback')
  none.world.leftByHook = null
  lostForGood(none)
  const upgrade = asked('upgrade')
  lostTooLong(upgrade)
  const without = asked('rollback', { noHooks: true })
  lostTooLong(without)
  for (const one of [none, upgrade, without]) {
    expect(errorOf(one)?.code).toMatch(/timed_out|interrupted/)
    expect(errorOf(one)?.detail).not.toContain('leaves hooks out')
  }
})
