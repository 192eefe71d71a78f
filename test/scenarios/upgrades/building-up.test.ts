import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type RegisteredComponent, registerComponent, type UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetPod, versionsOf } from './support/fleet.ts'
import { neverAhead, type Promised, sampled } from './support/sampler.ts'

// A StatefulSet that is still building up when its upgrade begins (docs/adr/0049): most ordinals have no pod yet.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerComponent(world.api, { chartName: 'fleet' })
})
afterAll(() => world.close())

const patience = { withinMs: 60_000 }
const wanted = { healthCheckTimeoutSeconds: 60 }
const canary = { ...wanted, strategy: 'CANARY', canaryPercentage: 25 }
const hasEnded = ({ endedAt }: { readonly endedAt: string | null }) => endedAt !== null

/** Only the first pod is there, and not ready: its controller makes no other before it is. */
async function building(start = 0): Promise<{ readonly fleet: Fleet; readonly first: FleetPod }> {
  const values = start === 0 ? {} : { spec: { ordinals: { start } } }
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4, values })
  const [first, ...rest] = (await fleet.pods()).toSorted((a, b) => a.name.localeCompare(b.name))
  await fleet.breaks(first as FleetPod, 'crash')
  await eventually('it is unready', async () => (await fleet.pods()).some(({ ready }) => !ready))
  for (const pod of rest) await fleet.kill(pod)
  await eventually('it stands alone', async () => (await fleet.pods()).length === 1)
  return { fleet, first: first as FleetPod }
}

/** Whatever has run a version in a place is not put aside for another pod of the same version. */
function nobodyIsRestarted(): Promised {
  const known = new Map<string, string>()
  return ({ pods }) => {
    const again = pods.filter(({ name, version, uid }) => (known.get(`${name} ${version}`) ?? uid) !== uid)
    for (const { name, version, uid } of pods) known.set(`${name} ${version}`, uid)
    return again.length === 0 ? null : `restarted: ${again.map(({ name, version }) => `${name} on ${version}`).join()}`
  }
}

async function healed(fleet: Fleet, first: FleetPod, execution: UpgradeHandle): Promise<void> {
  await execution.until('the canary is let go', ({ progress }) => progress.inFlight > 0, patience)
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  await fleet.breaks(first, 'none')
}

test.concurrent.each([0, 5])(
  'a canary from ordinal %i on: the highest comes in the new version, nobody is restarted',
  async (start) => {
    const { fleet, first } = await building(start)
    const execution = await fleet.started(canary)
    const course = async () => {
      await healed(fleet, first, execution)
      return execution.untilStatus('CANARY_MONITORING', patience)
    }
    const seen = await sampled(fleet, execution, [neverAhead('1.1.0'), nobodyIsRestarted()], course())
    expect(seen.broken).toEqual([])
    expect(seen.result).toMatchObject({ totalInstances: 4, canaryInstances: 1, progress: { total: 4, completed: 1 } })
    const pods = await fleet.reaches({ '1.0.0': 3, '1.1.0': 1 })
    expect(pods.find(({ name }) => name === `app-${start + 3}`)?.version).toBe('1.1.0')
    expect(pods.find(({ name }) => name === first.name)?.uid).toBe(first.uid)
    await execution.give('promote-canary')
    expect((await execution.until('ended', hasEnded, patience)).status).toBe('COMPLETED')
    await fleet.reaches({ '1.1.0': 4 })
  },
)

test.concurrent('a canary that cannot come says whom it waits for, and goes back without a restart', async () => {
  const { fleet, first } = await building()
  const request = { ...canary, healthCheckTimeoutSeconds: 6, autoRollbackEnabled: true }
  const execution = await fleet.started(request)
  const back = await execution.until('it goes back', ({ status }) => status === 'ROLLING_BACK', patience)
  expect(back.rollbackInfo.rollbackReason).toContain('app-3 is not there: app-0 has to be ready first')
  await fleet.breaks(first, 'none')
  const pods = await fleet.reaches({ '1.0.0': 4 })
  expect(pods.find(({ name }) => name === first.name)?.uid).toBe(first.uid)
})

test.concurrent('cancelled while most are missing: what is frozen is counted by its pods', async () => {
  const { fleet, first } = await building()
  const execution = await fleet.started(canary)
  await execution.until('the canary is let go', ({ progress }) => progress.inFlight > 0, patience)
  await execution.give('cancel', '?immediate=true')
  await execution.untilStatus('CANCELLED', patience)
  expect((await fleet.release.read()).frozen?.versions).toEqual({ '1.0.0': 1, '1.1.0': 0 })
  await fleet.breaks(first, 'none')
  await fleet.reachesReady(4)
  expect((await fleet.pods()).find(({ name }) => name === first.name)?.uid).toBe(first.uid)
  await eventually('the release counts anew', async () => {
    expect((await fleet.release.read()).frozen?.versions).toEqual(versionsOf(await fleet.pods()))
    return true
  })
  const next = await fleet.started(wanted)
  expect((await next.until('ended', hasEnded, patience)).status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 4 })
})

test.concurrent('scaled up and down in the middle: only what was chosen, or comes new, runs the new version', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4 })
  const before = await fleet.uids()
  const execution = await fleet.started(canary)
  await execution.untilStatus('CANARY_MONITORING', patience)
  const stays = (await fleet.pods()).filter(({ version, uid }) => version === '1.0.0' && before.includes(uid))
  const course = async () => {
    await fleet.touch({ replicas: 7 })
    await fleet.reaches({ '1.0.0': 3, '1.1.0': 4 })
    await execution.until('all that came have passed', ({ progress }) => progress.completed === 4, patience)
    await fleet.touch({ replicas: 4 })
    await fleet.reaches({ '1.0.0': 3, '1.1.0': 1 })
    return execution.until('it is as large', ({ progress }) => progress.total === 4, patience)
  }
  const { broken, result } = await sampled(fleet, execution, [nobodyIsRestarted()], course())
  expect(broken).toEqual([])
  expect(result).toMatchObject({ status: 'CANARY_MONITORING', progress: { completed: 1, pending: 3 } })
  const uids = await fleet.uids()
  expect(stays.every(({ uid }) => uids.includes(uid))).toBe(true)
})
