import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import type { FrozenTraffic } from './model.ts'
import { shownStatus } from './shown.ts'
import { openOperation } from './situation.ts'
import { type Fate, type HandDoes, handFates, ofThePast } from './testing/helmworld.ts'
import { Simulation } from './testing/simulation.ts'

const fates: readonly Fate[] = [
  'done',
  'refused',
  'failed',
  'unrecorded',
  'unrecordedPending',
  'lostBefore',
  'lostPending',
  'lostAfter',
  'lostLate',
  'stopped',
  'crashed',
  'unsuperseded',
]

const commands = ['upgrade', 'upgrade', 'rollback', 'rollback', 'uninstall', 'cancel', 'recover'] as const

type Move =
  | { kind: 'step'; fate: Fate }
  | { kind: 'steps'; count: number }
  | { kind: 'time'; ms: number }
  | {
      kind: 'command'
      command: (typeof commands)[number]
      atomic: boolean
      target: number
      hooks: boolean
    }
  | {
      kind: 'execution'
      asks: (typeof asks)[number]
      good: boolean
      target: number
      hooks: boolean
    }
  | { kind: 'late' }
  | { kind: 'hand'; what: HandDoes }
  | { kind: 'ready'; looks: number }
  | { kind: 'blind'; looks: number }
  | { kind: 'traffic'; traffic: FrozenTraffic | null }

const traffics: readonly (FrozenTraffic | null)[] = [
  null,
  { kind: 'serves', pins: { web: '1' } },
  { kind: 'outage', service: 'web', to: '2', detail: '' },
  { kind: 'outage', service: 'web', to: null, detail: '' },
]

const ownMoves = [
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('step' as const), fate: fc.constantFrom('done' as const, ...fates) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('steps' as const), count: fc.integer({ min: 2, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(400_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      command: fc.constantFrom(...commands),
      atomic: fc.boolean(),
      hooks: fc.boolean(),
      target: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'late' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blind' as const), looks: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ready' as const), looks: fc.constantFrom(0, 1, 3, 10_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('traffic' as const), traffic: fc.constantFrom(...traffics) }),
  },
] as const
const asks = ['claim', 'upgrade', 'upgrade', 'rollback', 'conclude', 'conclude', 'unclaim', 'show', 'abandon'] as const
const execution = {
  weight: 5,
  arbitrary: fc.record({
    kind: fc.constant('execution' as const),
    asks: fc.constantFrom(...asks),
    good: fc.boolean(),
    hooks: fc.boolean(),
    target: fc.integer({ min: 1, max: 6 }),
  }),
} as const
const hand = {
  weight: 1,
  arbitrary: fc.record({
    kind: fc.constant('hand' as const),
    what: fc.constantFrom(
      'upgrade',
      'rollback',
      'uninstall',
      'uninstallKeeping',
      'pending',
      'applies',
      'fails' as const,
    ),
  }),
} as const
/** Another hand acts while an act of ours runs, in a hook for example. */
const handMeanwhile = {
  weight: 4,
  arbitrary: fc.record({ kind: fc.constant('step' as const), fate: fc.constantFrom(...handFates) }),
} as const

function apply(simulation: Simulation, move: Move): void {
  if (move.kind === 'step') simulation.step(move.fate)
  if (move.kind === 'steps') for (let n = 0; n < move.count; n++) simulation.step('done')
  if (move.kind === 'time') simulation.now += move.ms
  if (move.kind === 'late') simulation.world.deliverLate()
  if (move.kind === 'blind') simulation.world.blindLooks = move.looks
  if (move.kind === 'traffic') simulation.world.traffic = move.traffic
  if (move.kind === 'hand') simulation.world.byHand(move.what)
  if (move.kind === 'ready') simulation.world.looksUntilReady = move.looks
  if (move.kind === 'command') give(simulation, move)
  if (move.kind === 'execution') execute(simulation, move)
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
  const { revision: ifRevision, claim } = simulation.state.release
  const taken =
    command === 'recover'
      ? simulation.command({ kind: command, operation, force: atomic })
      : simulation.command({ kind: command, operation, ifRevision })
  if (claim !== null && taken) expect(command, 'of a claimed release').toBe('recover')
}

function execute(simulation: Simulation, { asks, good, hooks, target }: Extract<Move, { kind: 'execution' }>): void {
  const { claim } = simulation.state.release
  if (asks === 'claim') simulation.claim()
  if (asks === 'upgrade') simulation.order(asks, { hasHooks: hooks })
  if (asks === 'rollback') simulation.order(asks, { targetRevision: target })
  if (asks === 'conclude') simulation.conclude(good ? 'ready' : 'failed')
  if (asks === 'unclaim') simulation.unclaim(!good)
  if (asks === 'abandon') simulation.abandon()
  if (asks === 'show' && claim !== null) {
    const status = good ? 'PENDING_UPGRADE' : 'PENDING_ROLLBACK'
    simulation.command({ kind: 'show', executionId: claim.executionId, status })
  }
}

/** What holds at every moment. */
function always(simulation: Simulation): void {
  const deployed = simulation.world.revisions.filter((r) => r.status === 'deployed')
  if (!simulation.world.disputed) expect(deployed.length, 'revisions that Helm calls deployed').toBeLessThanOrEqual(1)
  const { release } = simulation.state
  if (release.status.startsWith('PENDING_') && release.pendingBy === null) {
    expect(openOperation(simulation.state), `${release.status} without an operation`).not.toBeNull()
  }
  for (const id of simulation.accepted) expect(ends(simulation, id)).toBeLessThanOrEqual(1)
  waitsForWhatItSays(simulation)
  for (const { secretUid, operationId } of simulation.state.revisions)
    if (simulation.world.foreign.has(secretUid)) expect(operationId, 'of another hand').toBeNull()
  claimAndFreeze(simulation)
  if (!simulation.world.otherHand && !simulation.world.lateWrites)
    expect(simulation.events.filter(({ data }) => data.code === 'changed_by_another_hand')).toEqual([])
}

/**
 * A wait tells until when, and is told for as long as it is true: nothing is queued that has begun, and what has been read can be
 * read. When a worker comes to what is queued nobody knows: it tells why not.
 */
function waitsForWhatItSays({ state, attempt }: Simulation): void {
  const operation = openOperation(state)
  if (operation === null) return
  const { reason, until, detail } = state.release.waitingFor ?? {}
  if (operation.phase.name === 'queued') {
    expect([until, detail]).toEqual([null, expect.stringContaining('worker')])
    return
  }
  expect(until, `until when, ${operation.phase.name}`).toEqual(expect.any(Number))
  expect(reason, operation.phase.name).not.toBe('QUEUED')
  if (attempt !== null && attempt.endedAt === null) expect(reason, 'while it acts').not.toBe('CLUSTER_UNREADABLE')
}

function claimAndFreeze({ state, world, verdicts }: Simulation): void {
  const { release, operation } = state
  const { heldBy } = operation?.request ?? { heldBy: null }
  if (release.claim === null && release.frozen === null)
    expect(world.gate, 'a freeze that nobody knows of').toBe('none')
  if (release.claim !== null && release.status !== 'UNINSTALLED') expect(shownStatus(release)).toMatch(/^PENDING_/)
  if (openOperation(state) !== null && heldBy !== null) expect(release.claim?.executionId).toBe(heldBy)
  if (operation?.outcome?.status === 'SUCCEEDED' && heldBy !== null)
    expect(verdicts.get(operation.id), 'succeeded without its execution').toBe('ready')
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
  failedFor(simulation)
  if (release.status === 'UNINSTALLED' && newest?.status !== 'uninstalled')
    expect(newest?.secretUid).not.toBe(release.secretUid)
  helmAgrees(simulation)
  const pending = simulation.state.revisions.filter(({ verdict }) => verdict.startsWith('PENDING_'))
  for (const revision of pending) expect(revision.secretUid, 'history of what has ended').toBe(newest?.secretUid)
  if (newest?.status.startsWith('pending-') && release.status !== 'UNINSTALLED')
    expect(release.pendingBy).toBe('external')
}

/** A release is FAILED for what was done to it: no change has failed whose revision history calls DEPLOYED (docs/adr/0044). */
function failedFor({ state: { release, revisions } }: Simulation): void {
  const current = revisions.find(({ secretUid }) => secretUid === release.secretUid)
  if (release.status === 'FAILED' && release.failedKind !== 'uninstall') expect(current?.verdict).not.toBe('DEPLOYED')
}

/** Helm's storage holds one truth, and nothing lives of a release that is UNINSTALLED without being named. */
function helmAgrees(simulation: Simulation): void {
  const { world, state } = simulation
  const deployed = world.revisions.filter((r) => r.status === 'deployed')
  expect(deployed.length, 'revisions that Helm calls deployed').toBeLessThanOrEqual(1)
  const beneath = world.revisions.slice(0, -1).filter(({ secretUid }) => !world.foreign.has(secretUid))
  const pending = beneath.filter(({ status }) => status.startsWith('pending-'))
  // The record of an operation before the last one, whose creation arrives this late, is nobody's any more.
  if (!world.lateWrites) expect(pending, 'pending revisions of ours beneath a newer one').toEqual([])
  if (state.release.status === 'UNINSTALLED' && world.newest() === null) namesLeftovers(simulation)
}

function namesLeftovers({ world, state }: Simulation): void {
  const { leftovers } = state.release
  if (world.live !== null)
    expect(leftovers, 'what lives of it').toContainEqual(expect.objectContaining({ name: 'web' }))
  // What another hand has installed again was another release.
  const wasThere = state.revisions.length > 0 && !world.otherHand
  if (wasThere) expect(leftovers, 'what earlier revisions have left').toContainEqual(ofThePast)
}

type First = { readonly atomic: boolean; readonly wait: boolean; readonly deployed: boolean }

function run({ deployed, ...request }: First, moves: readonly Move[]): void {
  const simulation = new Simulation(request)
  if (deployed) simulation.settleDown()
  for (const move of moves) {
    apply(simulation, move)
    always(simulation)
  }
  simulation.settleDown()
  always(simulation)
  afterwards(simulation)
}

const { numRuns, limitMs } = propertyRuns(2_000)
const first = fc.record({ atomic: fc.boolean(), wait: fc.boolean(), deployed: fc.boolean() })

test(
  'crashes, failures and commands in any order: every operation ends once and the release agrees with Helm',
  () => {
    const moves = fc.array(fc.oneof(...ownMoves), { maxLength: 40, size: 'max' })
    fc.assert(fc.property(first, moves, run), { numRuns })
  },
  limitMs,
)

test(
  'the same with executions that claim, order, conclude and leave a fleet in two versions',
  () => {
    const moves = fc.array(fc.oneof(...ownMoves, execution), { maxLength: 50, size: 'max' })
    fc.assert(fc.property(first, moves, run), { numRuns })
  },
  limitMs,
)

test(
  'executions with another hand in between',
  () => {
    const moves = fc.array(fc.oneof(...ownMoves, execution, hand, handMeanwhile), { maxLength: 50, size: 'max' })
    fc.assert(fc.property(first, moves, run), { numRuns })
  },
  limitMs,
)

test(
  'the same with another hand in between and while our helm runs',
  () => {
    const moves = fc.array(fc.oneof(...ownMoves, hand, handMeanwhile), { maxLength: 40, size: 'max' })
    fc.assert(fc.property(first, moves, run), { numRuns })
  },
  limitMs,
)
