import { describe, expect, test } from 'vitest'
import { decideExecution } from './decide.ts'
import type { CommandKind, Execution, ExecutionStatus } from './model.ts'
import { commandKinds, executionStatuses } from './model.ts'
import { anotherHand } from './testing/disturb.ts'
import { type Setup, Simulation, say } from './testing/simulation.ts'

/** What a status meets: a command, something seen, or time. */
const events = [...commandKinds, 'day', 'checksPassed', 'checksFailed', 'allDone', 'stopped', 'hand'] as const
type Event = (typeof events)[number]

/** The recorded steps that follow, the code of a refusal, or `ending`: decided, and put in order first. */
type Expected = '-' | 'wrong_status' | 'ending' | ExecutionStatus | readonly ExecutionStatus[]

const refused = {
  start: 'wrong_status',
  pause: 'wrong_status',
  resume: 'wrong_status',
  promote: 'wrong_status',
  rollback: 'wrong_status',
  cancel: 'wrong_status',
} as const
const quiet = { day: '-', checksPassed: '-', checksFailed: '-', allDone: '-', stopped: '-', hand: '-' } as const

/** SPEC section 5, "Status x command", with auto-rollback; complete by type. */
const table: Readonly<Record<ExecutionStatus, Readonly<Record<Event, Expected>>>> = {
  PENDING: { ...refused, ...quiet, start: 'VALIDATING', cancel: 'CANCELLED', day: 'CANCELLED' },
  VALIDATING: {
    ...refused,
    ...quiet,
    cancel: 'CANCELLED',
    checksPassed: 'IN_PROGRESS',
    checksFailed: 'FAILED',
    hand: 'FAILED',
  },
  IN_PROGRESS: {
    ...refused,
    ...quiet,
    pause: 'PAUSED',
    rollback: 'ROLLING_BACK',
    cancel: 'ending',
    allDone: 'COMPLETED',
    stopped: 'ROLLING_BACK',
    hand: 'FAILED',
  },
  CANARY_RUNNING: {
    ...refused,
    ...quiet,
    pause: 'PAUSED',
    rollback: ['CANARY_MONITORING', 'ROLLING_BACK'],
    cancel: 'ending',
    allDone: 'CANARY_MONITORING',
    stopped: ['CANARY_MONITORING', 'ROLLING_BACK'],
    hand: 'FAILED',
  },
  CANARY_MONITORING: {
    ...refused,
    ...quiet,
    promote: 'IN_PROGRESS',
    rollback: 'ROLLING_BACK',
    cancel: 'ending',
    stopped: 'ROLLING_BACK',
    hand: 'FAILED',
  },
  PAUSED: {
    ...refused,
    ...quiet,
    resume: 'IN_PROGRESS',
    rollback: ['IN_PROGRESS', 'ROLLING_BACK'],
    cancel: 'ending',
    hand: 'FAILED',
  },
  ROLLING_BACK: { ...refused, ...quiet, cancel: 'ending', allDone: 'ROLLED_BACK', hand: 'FAILED' },
  ROLLED_BACK: { ...refused, ...quiet },
  COMPLETED: { ...refused, ...quiet },
  FAILED: { ...refused, ...quiet },
  CANCELLED: { ...refused, ...quiet },
}

const auto = { autoRollbackEnabled: true, batchDelaySeconds: 0 }
const inStatus = (status: ExecutionStatus) => (execution: Execution) => execution.status === status

/** An execution in a status, by the shortest way there. */
const ways: Readonly<Record<ExecutionStatus, (setup: Setup) => Simulation>> = {
  PENDING: (setup) => new Simulation(setup),
  VALIDATING: (setup) => given(setup),
  IN_PROGRESS: (setup) => moving(given(setup)),
  CANARY_RUNNING: (setup) => moving(given(canary(setup))),
  CANARY_MONITORING: (setup) => given(canary(setup)).run(inStatus('CANARY_MONITORING')),
  PAUSED: (setup) => told(moving(given(setup)), 'pause'),
  ROLLING_BACK: (setup) => told(moving(given(setup)), 'rollback'),
  ROLLED_BACK: (setup) => told(moving(given(setup)), 'rollback').run(),
  COMPLETED: (setup) => given(setup).run(),
  FAILED: (setup) => given({ ...setup, failedChecks: ['BACKUP'] }).run(),
  CANCELLED: (setup) => told(given(setup), 'cancel').run(),
}

function given(setup: Setup): Simulation {
  return told(new Simulation(setup), 'start')
}
function canary(setup: Setup): Setup {
  return { ...setup, spec: { ...setup.spec, strategy: 'CANARY' } }
}
function moving(simulation: Simulation): Simulation {
  return simulation.run(({ currentBatch }) => currentBatch > 0)
}
function told(simulation: Simulation, command: CommandKind): Simulation {
  if (!simulation.command(say[command])) throw new Error(`${command} is refused in ${simulation.execution.status}`)
  return simulation
}

/** What follows: the first step or steps that are recorded by one decision. */
const follow: Readonly<Record<Exclude<Event, CommandKind>, (simulation: Simulation) => void>> = {
  day: (simulation) => simulation.run(undefined, 25 * 3_600_000),
  checksPassed: (simulation) => oneStep(simulation),
  checksFailed: (simulation) => oneStep(simulation),
  allDone: (simulation) => oneStep(simulation),
  stopped: (simulation) => oneStep(simulation),
  hand: (simulation) => {
    simulation.world = anotherHand(simulation.world, simulation.now)
    oneStep(simulation)
  },
}
function oneStep(simulation: Simulation): void {
  const steps = simulation.execution.transitions.length
  simulation.run(({ transitions }) => transitions.length > steps, 3_600_000)
}

/** What is given beforehand so that the event can come about. */
function setupFor(status: ExecutionStatus, event: Event): Setup {
  if (!isCommand(event) && cannotHappen[event].includes(status)) return { spec: auto }
  if (event === 'checksFailed') return { spec: auto, failedChecks: ['BACKUP'] }
  const faults = event !== 'stopped' ? {} : status === 'CANARY_MONITORING' ? turnsBad : { neverReady: [0, 1, 2] }
  return { spec: auto, faults }
}
const turnsBad = { turnsBad: [{ index: 0, afterSeconds: 60 }] }

const stoppable: readonly ExecutionStatus[] = ['IN_PROGRESS', 'CANARY_RUNNING', 'CANARY_MONITORING']

/** Events that say something only where they can happen: elsewhere nothing is to be seen. */
const cannotHappen: Readonly<Record<Exclude<Event, CommandKind>, readonly ExecutionStatus[]>> = {
  day: executionStatuses.filter((status) => status !== 'PENDING'),
  checksPassed: executionStatuses.filter((status) => status !== 'VALIDATING'),
  checksFailed: executionStatuses.filter((status) => status !== 'VALIDATING'),
  allDone: ['PENDING', 'VALIDATING', 'CANARY_MONITORING', 'PAUSED'],
  stopped: executionStatuses.filter((status) => !stoppable.includes(status)),
  hand: ['PENDING'],
}

function outcome(status: ExecutionStatus, event: Event): Expected {
  const simulation = ways[status](setupFor(status, event))
  expect(simulation.execution.status).toBe(status)
  const before = simulation.execution.transitions.length
  if (isCommand(event)) {
    const decision = decideExecution(simulation.execution, { kind: 'command', command: say[event] }, simulation.now)
    if (decision.kind === 'rejected') return decision.code as Expected
    if (decision.state.ending !== null) return 'ending'
    simulation.command(say[event])
  } else {
    if (cannotHappen[event].includes(status)) return '-'
    follow[event](simulation)
  }
  const steps = simulation.execution.transitions.slice(before).map(({ to }) => to)
  return steps.length === 0 ? '-' : steps.length === 1 ? (steps[0] ?? '-') : steps
}

function isCommand(event: Event): event is CommandKind {
  return (commandKinds as readonly Event[]).includes(event)
}

describe.each(executionStatuses)('%s', (status) => {
  test.each(events)('%s', (event) => expect(outcome(status, event)).toEqual(table[status][event]))
})

describe('a refused command', () => {
  test('names the status and the valid ones', () => {
    const { execution, now } = ways.IN_PROGRESS({ spec: auto })
    expect(decideExecution(execution, { kind: 'command', command: say.promote }, now)).toMatchObject({
      kind: 'rejected',
      code: 'wrong_status',
      detail: expect.stringContaining('IN_PROGRESS'),
      extra: { executionStatus: 'IN_PROGRESS', valid: ['pause', 'rollback', 'cancel'] },
    })
  })

  test('while it is being cancelled only a cancel that does not wait is taken', () => {
    const simulation = told(ways.IN_PROGRESS({ spec: auto }), 'cancel')
    expect(simulation.execution.waitingFor?.reason).toBe('CANCELLING')
    for (const command of [say.pause, say.rollback, say.cancel]) expect(simulation.command(command)).toBe(false)
    expect(simulation.command(say.cancelNow)).toBe(true)
    expect(simulation.run(undefined, 5_000).execution.status).toBe('CANCELLED')
  })

  test('a paused canary goes back through its monitoring', () => {
    const simulation = told(ways.CANARY_RUNNING({ spec: auto }), 'pause')
    const before = simulation.execution.transitions.length
    told(simulation, 'rollback')
    expect(simulation.execution.transitions.slice(before).map(({ to }) => to)).toEqual([
      'CANARY_RUNNING',
      'CANARY_MONITORING',
      'ROLLING_BACK',
    ])
  })

  test.each([
    ['ROLLING', ['IN_PROGRESS', 'ROLLING_BACK']],
    ['CANARY', ['CANARY_RUNNING', 'CANARY_MONITORING', 'ROLLING_BACK']],
  ] as const)(
    'a resume that turns round names who resumed; going back is decided by Flotilla: %s',
    (strategy, steps) => {
      const faults = { neverReady: [0, 1, 2] }
      const simulation = told(moving(given({ spec: { ...auto, strategy }, faults })), 'pause')
      simulation.run(({ rollbackInfo }) => rollbackInfo.currentFailures > 0)
      const before = simulation.execution.transitions.length
      simulation.command({ ...say.resume, by: 'operator', reason: 'all is well' })
      const { transitions, rollbackInfo } = simulation.execution
      const [resumed, ...turned] = transitions.slice(before)
      expect(resumed).toMatchObject({ by: 'operator', reason: 'all is well' })
      expect([resumed, ...turned].map((step) => step?.to)).toEqual(steps)
      for (const { by, reason } of turned) expect([by, reason]).toEqual(['flotilla', rollbackInfo.rollbackReason])
      expect(rollbackInfo).toMatchObject({ rollbackInitiatedBy: 'flotilla' })
    },
  )

  test('a canary that was paused resumes into CANARY_RUNNING', () => {
    const simulation = told(told(ways.CANARY_RUNNING({ spec: auto }), 'pause'), 'resume')
    expect(simulation.execution.status).toBe('CANARY_RUNNING')
  })
})
