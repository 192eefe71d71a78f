import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openOperation } from './situation.ts'
import type { Fate } from './testing/helmworld.ts'
import { Simulation } from './testing/simulation.ts'

const fates: readonly Fate[] = ['done', 'refused', 'failed', 'lostBefore', 'lostPending', 'lostAfter', 'lostLate']

type Move =
  | { kind: 'step'; fate: Fate }
  | { kind: 'time'; ms: number }
  | {
      kind: 'command'
      command: 'upgrade' | 'rollback' | 'uninstall' | 'cancel' | 'recover'
      atomic: boolean
      target: number
      hooks: boolean
    }
  | { kind: 'late' }
  | { kind: 'hand'; what: 'upgrade' | 'uninstall' | 'pending' }
  | { kind: 'ready'; looks: number }
  | { kind: 'blind'; looks: number }

const ownMoves = [
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('step' as const), fate: fc.constantFrom(...fates) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(400_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      command: fc.constantFrom('upgrade', 'rollback', 'uninstall', 'cancel', 'recover' as const),
      atomic: fc.boolean(),
      hooks: fc.boolean(),
      target: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'late' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blind' as const), looks: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ready' as const), looks: fc.constantFrom(0, 1, 3, 10_000) }) },
] as const
const hand = {
  weight: 1,
  arbitrary: fc.record({
    kind: fc.constant('hand' as const),
    what: fc.constantFrom('upgrade', 'uninstall', 'pending' as const),
  }),
} as const

function apply(simulation: Simulation, move: Move): void {
  if (move.kind === 'step') simulation.step(move.fate)
  if (move.kind === 'time') simulation.now += move.ms
  if (move.kind === 'late') simulation.world.deliverLate()
  if (move.kind === 'blind') simulation.world.blindLooks = move.looks
  if (move.kind === 'hand') simulation.world.byHand(move.what)
  if (move.kind === 'ready') simulation.world.looksUntilReady = move.looks
  if (move.kind === 'command') give(simulation, move)
}

function give(simulation: Simulation, { command, atomic, target, hooks }: Extract<Move, { kind: 'command' }>): void {
  if (command === 'cancel') {
    simulation.command({ kind: 'cancel', operationId: simulation.state.operation?.id ?? '' })
    return
  }
  const operation = simulation.operation({
    atomic,
    hasHooks: hooks,
    targetRevision: command === 'rollback' ? target : null,
  })
  const ifRevision = simulation.state.release.revision
  if (command === 'recover') simulation.command({ kind: command, operation, force: atomic })
  else simulation.command({ kind: command, operation, ifRevision })
}

/** What holds at every moment. */
function always(simulation: Simulation): void {
  const deployed = simulation.world.revisions.filter((r) => r.status === 'deployed')
  expect(deployed.length, 'revisions that Helm calls deployed').toBeLessThanOrEqual(1)
  const { release } = simulation.state
  if (release.status.startsWith('PENDING_') && release.pendingBy === null) {
    expect(openOperation(simulation.state), `${release.status} without an operation`).not.toBeNull()
  }
  for (const id of simulation.accepted) expect(ends(simulation, id)).toBeLessThanOrEqual(1)
}

function ends(simulation: Simulation, operationId: string): number {
  return simulation.events.filter(
    (event) => event.data.operationId === operationId && /\.(succeeded|failed|cancelled)$/.test(event.type),
  ).length
}

/** What holds once nothing is due any more. */
function afterwards(simulation: Simulation): void {
  const { release } = simulation.state
  const newest = simulation.world.newest()
  for (const id of simulation.accepted) expect(ends(simulation, id), `ends of ${id}`).toBe(1)
  expect(openOperation(simulation.state)).toBeNull()
  if (release.status === 'DEPLOYED') {
    expect(newest?.status).toMatch(/deployed|uninstalling/)
    expect(release.secretUid).toBe(newest?.secretUid)
  }
  if (release.status === 'FAILED' && newest !== null) expect(release.secretUid).toBe(newest.secretUid)
  if (release.status === 'UNINSTALLED') expect(newest?.secretUid).not.toBe(release.secretUid)
  const pending = simulation.state.revisions.filter(({ verdict }) => verdict.startsWith('PENDING_'))
  for (const revision of pending) expect(revision.secretUid, 'history of what has ended').toBe(newest?.secretUid)
  if (newest?.status.startsWith('pending-') && release.status !== 'UNINSTALLED')
    expect(release.pendingBy).toBe('external')
}

function run(first: { atomic: boolean; wait: boolean }, moves: readonly Move[]): void {
  const simulation = new Simulation(first)
  for (const move of moves) {
    apply(simulation, move)
    always(simulation)
  }
  simulation.settleDown()
  always(simulation)
  afterwards(simulation)
}

const first = fc.record({ atomic: fc.boolean(), wait: fc.boolean() })

test('crashes, failures and commands in any order: every operation ends once and the release agrees with Helm', () => {
  const moves = fc.array(fc.oneof(...ownMoves), { maxLength: 40 })
  fc.assert(fc.property(first, moves, run), { numRuns: 5_000 })
})

test('the same with another hand in between', () => {
  const moves = fc.array(fc.oneof(...ownMoves, hand), { maxLength: 40 })
  fc.assert(fc.property(first, moves, run), { numRuns: 5_000 })
})
