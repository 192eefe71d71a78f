import { expect, test } from 'vitest'
import { queued } from './create.ts'
import { decideRelease } from './decide.ts'
import type { ReleaseState, Remains } from './model.ts'
import { Simulation } from './testing/simulation.ts'
import { rest, states, wanted } from './testing/states.ts'

const kept = { kind: 'ConfigMap', name: 'kept', why: 'kept by its resource policy' }
const web = { kind: 'Deployment', name: 'web', why: 'it is not being deleted' }
const remains = (change: Partial<Remains> = {}): Remains => ({
  ...{ gone: true, deleting: false, blockers: [], remaining: [], leftovers: [kept] },
  ...change,
})

function look(state: ReleaseState, left: Remains, now = 10): ReleaseState {
  const observation = { kind: 'absent', remains: left } as const
  const decision = decideRelease(state, { kind: 'observed', observation, attempt: null }, now)
  if (decision.kind === 'rejected') throw new Error(decision.detail)
  return decision.state
}

test('another hand completes an uninstall: what stays is named', () => {
  const { release } = look(states.failedUninstall, remains())
  expect(release).toMatchObject({ status: 'UNINSTALLED', leftovers: [kept] })
})

test('another hand uninstalls: what is kept, and what it left alive, is named', () => {
  const { release } = look(rest(), remains({ gone: false, remaining: [web] }))
  expect(release).toMatchObject({ status: 'UNINSTALLED', leftovers: [kept, web] })
})

test('what is being deleted is waited for, but not for ever', () => {
  const going = remains({ gone: false, deleting: true, remaining: [web], blockers: ['Deployment web'] })
  const waiting = look(rest(), going)
  expect(waiting.release).toMatchObject({ status: 'DEPLOYED', waitingFor: { reason: 'UNINSTALLING', until: 30_010 } })
  expect(look(waiting, going, 30_009).release.status).toBe('DEPLOYED')
  expect(look(waiting, remains(), 20).release).toMatchObject({ status: 'UNINSTALLED', leftovers: [kept] })
  expect(look(waiting, going, 30_010).release).toMatchObject({ status: 'UNINSTALLED', leftovers: [kept, web] })
})

test('pods within their grace period are no failure when the time is over, and are told with all that stays', () => {
  const before = { status: 'DEPLOYED', attemptedChartVersion: null } as const
  const operation = { ...queued(wanted(), 'uninstall', before, 1), startedAt: 1, deadline: 1_000 }
  const state: ReleaseState = { ...rest(), operation: { ...operation, phase: { name: 'removing', byHelm: true } } }
  const pod = { kind: 'Pod', name: 'web-1', why: 'it is stopping' }
  const stopping = remains({ gone: false, deleting: true, remaining: [pod], stopping: { until: 30_000 } })
  expect(look(state, stopping, 999).operation).toMatchObject({ endedAt: null })
  // What earlier revisions have left is read by the look that comes next.
  expect(look(state, stopping, 1_000).operation).toMatchObject({ endedAt: null, phase: { name: 'removing' } })
  const { release, operation: ended } = look(state, { ...stopping, whole: true }, 1_000)
  expect(ended?.outcome).toEqual({ status: 'SUCCEEDED', error: null })
  expect(release).toMatchObject({ status: 'UNINSTALLED', leftovers: [kept, pod] })
  const untold = { ...stopping, stopping: { until: null }, whole: true } as const
  expect(look(state, untold, 5_999).operation).toMatchObject({ endedAt: null })
  expect(look(state, untold, 6_000).operation?.outcome).toMatchObject({ error: { code: 'uninstall_incomplete' } })
  const overdue = look(state, { ...stopping, whole: true }, 35_001)
  expect(overdue.operation?.outcome).toMatchObject({ status: 'FAILED', error: { code: 'uninstall_incomplete' } })
})

test('history tells of the last revision that its release was uninstalled, and who had made it, as ever (docs/adr/0070)', () => {
  const simulation = new Simulation()
  simulation.settleDown()
  const [made] = simulation.state.revisions
  simulation.command({ kind: 'uninstall', operation: { ...simulation.operation(), performedBy: 'remover' } })
  simulation.settleDown()
  expect(made).toMatchObject({ verdict: 'DEPLOYED', performedBy: 'tester' })
  expect(simulation.state.revisions).toEqual([{ ...made, verdict: 'UNINSTALLED', content: null }])
  expect(simulation.state.release).toMatchObject({ status: 'UNINSTALLED', performedBy: 'remover' })
})

test('an uninstall without a record of Helm names what an install that another hand undid has left alive', () => {
  const simulation = new Simulation()
  simulation.step('removedUnseen')
  simulation.settleDown()
  expect(simulation.state.release).toMatchObject({ status: 'FAILED', revision: 0 })
  simulation.command({ kind: 'uninstall', operation: simulation.operation() })
  simulation.settleDown()
  expect(simulation.state.release.status).toBe('UNINSTALLED')
  expect(simulation.state.release.leftovers).toMatchObject([{ name: 'past' }, { name: 'web' }])
})

test('a name that `helm uninstall --keep-history` has freed is installed again, over what it keeps', () => {
  const simulation = new Simulation()
  simulation.world.keepHistory()
  simulation.settleDown()
  const { release, revisions } = simulation.state
  expect(release).toMatchObject({ status: 'DEPLOYED', revision: 2 })
  expect(revisions).toMatchObject([{ revision: 2, performedBy: 'tester' }])
})

test('such an install that fails, and the upgrade after it', () => {
  const simulation = new Simulation()
  simulation.world.keepHistory()
  simulation.step('refused')
  simulation.settleDown()
  expect(simulation.state.release).toMatchObject({ status: 'FAILED', failedKind: 'install' })
  simulation.command({
    kind: 'upgrade',
    operation: simulation.operation(),
    ifRevision: simulation.state.release.revision,
  })
  simulation.step('done')
  expect(simulation.attempt?.act).toMatchObject({ kind: 'install', replace: true })
  simulation.settleDown()
  expect(simulation.state.release).toMatchObject({ status: 'DEPLOYED', revision: 2 })
})
