import { afterAll, beforeAll, expect, test } from 'vitest'
import { problem } from '../support/api.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet } from './support/fleet.ts'

// The pod template is changed by another hand in the middle (docs/adr/0061): nothing of it is taken for the target version.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 3)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const reason = 'TEMPLATE_CHANGED_BY_ANOTHER_HAND'
const size = 3
type Template = { readonly spec: { readonly containers: readonly { readonly image: string }[] } }

const templateOf = async (fleet: Fleet) => (await fleet.workload()).spec.template as Template

/** `kubectl set image`: to one that is ready at once, as any other. */
async function setImage(fleet: Fleet): Promise<void> {
  const { spec } = await templateOf(fleet)
  await fleet.touch({
    template: { spec: { containers: spec.containers.map((each) => ({ ...each, image: 'evil:1' })) } },
  })
}

const waits = (execution: UpgradeHandle, until: string) =>
  execution.until(until, ({ waitingFor }) => waitingFor?.reason === until, patience)

const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)

function expectTold({
  statusReason,
  warnings,
  transitions,
}: Execution & { readonly transitions: readonly { readonly reason: string | null }[] }) {
  expect(statusReason).toBe(reason)
  expect(warnings.map(({ code }) => code)).toContain('TEMPLATE_CHANGED')
  expect(transitions.map((step) => step.reason ?? '').join()).toContain('another hand has changed the pod template')
}

test.concurrent.each([true, false])(
  'a green set that another hand replaces is not COMPLETED; back by itself: %s',
  async (autoRollbackEnabled) => {
    const fleet = await Fleet.install(world, component, { kind: 'Deployment', size })
    const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 8, autoRollbackEnabled })
    await waits(execution, 'WATCHING_THE_SWITCH')
    await setImage(fleet)
    await waits(execution, reason)
    const done = await ended(execution)
    expect(done.status).toBe(autoRollbackEnabled ? 'ROLLED_BACK' : 'FAILED')
    expectTold(done as never)
    if (autoRollbackEnabled) await fleet.reaches({ '1.0.0': size })
    const evil = (await fleet.pods()).filter(({ version }) => version === '1').map(({ uid }) => uid)
    expect((await fleet.endpoints()).filter((uid) => evil.includes(uid))).toEqual([])
    const { frozen } = await fleet.release.read()
    if (!autoRollbackEnabled)
      expect(frozen?.versions['1.1.0'] ?? 0).toBe(
        (await fleet.pods()).filter(({ version }) => version === '1.1.0').length,
      )
  },
)

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'a %s in the middle of its batches: it is named, and going back is a way out',
  async (kind) => {
    const fleet = await Fleet.install(world, component, { kind, size })
    const execution = await fleet.started({ strategy: 'STAGED', batchSize: 1, healthCheckTimeoutSeconds: 20 })
    await execution.until('approval', ({ status }) => status === 'PAUSED', patience)
    await fleet.touch({ template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } })
    await execution.until(
      'it says so',
      ({ waitingFor }) => waitingFor?.detail?.includes('another hand') === true,
      patience,
    )
    await execution.give('resume')
    const seen = await waits(execution, reason)
    expect(seen.waitingFor?.detail).toContain('put it back, or roll back')
    expect((await execution.read()).instances.map(({ message }) => message ?? '').join()).not.toContain(
      'earlier version',
    )
    await execution.give('rollback')
    await execution.untilStatus('ROLLED_BACK', patience)
    await fleet.reaches({ '1.0.0': size })
  },
)

test.concurrent('a canary that another hand has undone is not promoted', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size })
  const before = await templateOf(fleet)
  const execution = await fleet.started({ strategy: 'CANARY', healthCheckTimeoutSeconds: 8 })
  await execution.untilStatus('CANARY_MONITORING', patience)
  await fleet.touch({ template: before })
  await waits(execution, reason)
  const refused = problem(await execution.send('promote-canary'), 409, 'wrong_status')
  expect(refused.detail).toContain('another hand has changed the pod template')
  await waits(execution, 'CANARY_FAILED')
  problem(await execution.send('promote-canary'), 409, 'wrong_status')
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
  await fleet.reaches({ '1.0.0': size })
})
