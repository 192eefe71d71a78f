import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Api, ok, type ProblemBody, problem } from '../support/api.ts'
import { patient, rehearse, type Side, type Status, slow, statuses, waysToEach } from '../support/every-status.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import {
  type Execution,
  registerComponent,
  type UpgradeCommand,
  type UpgradeHandle,
  upgradeCommands,
} from '../support/upgrades.ts'

/** A server that works, and one without a worker, on which an execution stays in VALIDATING. */
type Server = Side & { readonly flotilla: Flotilla }
let working: Server
let resting: Server
let given: ReturnType<typeof waysToEach>
beforeAll(async () => {
  const open = async (args: readonly string[]): Promise<Server> => {
    const flotilla = await startFlotilla({ args })
    const api = new Api(flotilla.url, flotilla.adminKey)
    return { flotilla, api, component: await registerComponent(api) }
  }
  working = await open(['serve', '--no-sample'])
  resting = await open(['serve', '--role', 'api'])
  given = waysToEach(working, resting)
})
afterAll(async () => {
  await removeFlotilla(working.flotilla)
  await removeFlotilla(resting.flotilla)
})

/** SPEC section 5, "Status × command": the status in which the answer shows the execution. All others are 409. */
const table: Record<Status, Partial<Record<UpgradeCommand, string>>> = {
  PENDING: { start: 'VALIDATING', cancel: 'CANCELLED' },
  VALIDATING: { cancel: 'CANCELLED' },
  IN_PROGRESS: { pause: 'PAUSED', rollback: 'ROLLING_BACK', cancel: 'IN_PROGRESS' },
  CANARY_RUNNING: { pause: 'PAUSED', rollback: 'ROLLING_BACK', cancel: 'CANARY_RUNNING' },
  CANARY_MONITORING: { 'promote-canary': 'IN_PROGRESS', rollback: 'ROLLING_BACK', cancel: 'CANARY_MONITORING' },
  PAUSED: { resume: 'IN_PROGRESS', rollback: 'ROLLING_BACK', cancel: 'PAUSED' },
  ROLLING_BACK: { cancel: 'ROLLING_BACK' },
  ROLLED_BACK: {},
  COMPLETED: {},
  FAILED: {},
  CANCELLED: {},
}

describe.each(statuses)('%s', (status) => {
  const takes = upgradeCommands.filter((command) => table[status][command] !== undefined)
  const refuses: readonly UpgradeCommand[] = upgradeCommands.filter((command) => !takes.includes(command))

  test.concurrent(`refuses ${refuses.join(', ')}: names the status and the valid commands, and changes nothing`, async () => {
    const execution = await given[status]()
    const before = await execution.untilStatus(status)
    for (const command of refuses) {
      const answer = await execution.send(command)
      const { code, detail, ...told } = answer.body as unknown as ProblemBody
      expect([command, answer.status, code]).toEqual([command, 409, 'wrong_status'])
      expect(detail).toContain(status)
      expect(told).toMatchObject({ executionStatus: status, valid: takes })
    }
    expect(await execution.read()).toMatchObject({ status, transitions: before.transitions })
  })

  test.concurrent.each(takes)('takes %s', async (command) => {
    const execution = await given[status]()
    await execution.untilStatus(status)
    const after = ok(await execution.send(command), 202)
    expect(after.status).toBe(table[status][command])
    if (command === 'cancel' && after.status !== 'CANCELLED') expect(after.waitingFor?.reason).toBe('CANCELLING')
  })
})

/** Given a canary that was paused while it was being deployed. */
async function pausedCanary(): Promise<UpgradeHandle> {
  const execution = await given.CANARY_RUNNING()
  await execution.untilStatus('CANARY_RUNNING')
  await execution.give('pause')
  return execution
}

describe('where one command takes several steps, all are recorded, by who gave it', () => {
  const ways: readonly (readonly [string, () => Promise<UpgradeHandle>, Status, readonly string[]])[] = [
    ['CANARY_RUNNING', () => given.CANARY_RUNNING(), 'CANARY_RUNNING', ['CANARY_MONITORING', 'ROLLING_BACK']],
    ['PAUSED', () => given.PAUSED(), 'PAUSED', ['IN_PROGRESS', 'ROLLING_BACK']],
    ['a paused canary', pausedCanary, 'PAUSED', ['CANARY_RUNNING', 'CANARY_MONITORING', 'ROLLING_BACK']],
  ]

  test.concurrent.each(ways)('rollback from %s', async (_, make, status, steps) => {
    const execution = await make()
    const before = await execution.untilStatus(status)
    const after = await execution.give('rollback', '?reason=Manual+rollback')
    const taken = after.transitions.slice(before.transitions.length)
    expect(taken.map(({ to }) => to)).toEqual(steps)
    for (const step of taken) expect(step).toMatchObject({ by: after.initiatedBy, reason: 'Manual rollback' })
  })
})

test.concurrent('a canary that was paused while it was being deployed resumes into its deployment', async () => {
  const execution = await pausedCanary()
  expect((await execution.give('resume')).status).toBe('CANARY_RUNNING')
})

/** The statuses in which a cancel waits for instances that are in flight. */
const waiting = ['IN_PROGRESS', 'CANARY_RUNNING', 'ROLLING_BACK'] as const
test.concurrent.each(waiting)('while it is being cancelled in %s only an immediate cancel is taken', async (status) => {
  const execution = await (status === 'ROLLING_BACK' ? halfWayBack() : given[status]())
  await execution.untilStatus(status)
  await execution.until('something is in flight', inFlight)
  await execution.give('cancel')
  for (const command of upgradeCommands) {
    const told = problem(await execution.send(command), 409, 'wrong_status')
    expect(told).toMatchObject({ executionStatus: status, waitingFor: 'CANCELLING', valid: ['cancel'] })
    expect(told.detail).toContain('only a cancel with immediate=true is')
  }
  expect((await execution.give('cancel', '?immediate=true')).status).toBe(status)
  await execution.untilStatus('CANCELLED')
})

/** On the way back nothing is said to be in flight: what has left the target version, and is not ready, is. */
const inFlight = ({ status, progress, waitingFor, instances }: Execution): boolean =>
  status === 'ROLLING_BACK'
    ? waitingFor?.reason === 'REVERTING' && instances.every(({ version }) => version === '1.0.0')
    : progress.inFlight > 0

/** All have left at once, and take long to become ready again. */
async function halfWayBack(): Promise<UpgradeHandle> {
  const execution = await rehearse(working, { strategy: 'RECREATE', ...patient }, slow)
  // Before they have come to the target version there is nothing to bring back.
  await execution.until('all are on their way', ({ progress, instances }) => {
    return progress.inFlight === progress.total && instances.every(({ version }) => version === '1.1.0')
  })
  await execution.give('rollback')
  return execution
}
