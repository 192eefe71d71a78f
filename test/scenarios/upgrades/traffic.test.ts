import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { expectToldAsPublished } from '../support/told.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, registerFleet } from './support/fleet.ts'
import { expectNothingOfOurs, type OriginalFields, originalsOf } from './support/originals.ts'
import { neverBelow, oneSideServes, sampled } from './support/sampler.ts'

// Where traffic goes while helm applies beneath a pin: it takes the whole selector of a Service with it, and a hook lasts.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const size = 2
const unpassed = [neverBelow(size), oneSideServes('1.1.0')]

type Green = { readonly fleet: Fleet; readonly execution: UpgradeHandle; readonly originals: OriginalFields }

/** Given a green set that is ready beside the old one, and has not passed its second check. */
async function withGreen(): Promise<Green> {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size, values: { hookMs: 1500 } })
  const originals = await originalsOf(fleet)
  const slow = { healthCheckIntervalSeconds: 100, healthCheckTimeoutSeconds: 300 }
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', ...slow })
  await fleet.reaches({ '1.0.0': size, '1.1.0': size })
  return { fleet, execution, originals }
}

async function frozenGreen(): Promise<Green> {
  const green = await withGreen()
  await green.execution.give('cancel', '?immediate=true')
  await green.execution.untilStatus('CANCELLED', patience)
  return green
}

/** Given a fleet whose traffic has gone to the green set when its execution was cancelled. */
async function frozenPastSwitch(): Promise<Green> {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size })
  const originals = await originalsOf(fleet)
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 300 })
  await execution.until('watched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  await execution.give('cancel')
  const { instances } = await execution.untilStatus('CANCELLED', patience)
  const green = (await fleet.pods()).filter(({ version }) => version === '1.1.0').map(({ name }) => name)
  expect(instances.map(({ currentPod }) => currentPod).toSorted()).toEqual(green.toSorted())
  expect(instances.map(({ version }) => version)).toEqual(Array(size).fill('1.1.0'))
  return { fleet, execution, originals }
}

const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null

test.concurrent('rolled back, a green set that has not passed is never served', async () => {
  const { fleet, execution, originals } = await withGreen()
  const back = async () => {
    await execution.give('rollback')
    await execution.untilStatus('ROLLED_BACK', patience)
  }
  expect((await sampled(fleet, execution, unpassed, back())).broken).toEqual([])
  await fleet.reaches({ '1.0.0': size })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('unfrozen to the previous version, it is never served', async () => {
  const { fleet, execution, originals } = await frozenGreen()
  const unfrozen = async () => ok(await world.api.post(`${fleet.release.path}/unfreeze?to=previous`, undefined))
  expect((await sampled(fleet, execution, unpassed, unfrozen())).broken).toEqual([])
  await fleet.reaches({ '1.0.0': size })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('taken over by another blue-green, it is served once it has passed', async () => {
  const { fleet, originals } = await frozenGreen()
  const next = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 4 })
  const { broken } = await sampled(fleet, next, unpassed, next.untilStatus('COMPLETED', patience))
  expect(broken).toEqual([])
  await fleet.reaches({ '1.1.0': size })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent.each(['BLUE_GREEN', 'ROLLING'] as const)(
  'taken over by %s from the green set that serves, that set serves until the next has passed',
  async (strategy) => {
    const { fleet, originals } = await frozenPastSwitch()
    const [fromVersionId, toVersionId] = [component.versions['1.1.0'], component.versions['1.2.0']]
    const next = await fleet.started({ strategy, fromVersionId, toVersionId, healthCheckTimeoutSeconds: 10 })
    const promised = strategy === 'BLUE_GREEN' ? [neverBelow(size), oneSideServes('1.2.0')] : [neverBelow(size)]
    const { result, broken } = await sampled(fleet, next, promised, next.until('ended', hasEnded, patience))
    expect(broken).toEqual([])
    expect(result).toMatchObject({ status: 'COMPLETED' })
    await fleet.reaches({ '1.2.0': size })
    await expectNothingOfOurs(fleet, originals)
  },
)

const podsOf = async ({ fleet }: Green, version: string) =>
  (await fleet.pods()).filter((pod) => pod.version === version)

async function breakAll(green: Green, version: string, fault: 'crash' | null): Promise<void> {
  for (const pod of await podsOf(green, version)) await green.fleet.breaks(pod, fault)
}

const servedVersions = async (green: Green): Promise<readonly string[]> => {
  const serving = new Set(await green.fleet.endpoints())
  return [...new Set((await green.fleet.pods()).filter(({ uid }) => serving.has(uid)).map(({ version }) => version))]
}

test.concurrent('left frozen, traffic goes to the other set when the one that serves is broken, and stays there', async () => {
  const green = await frozenPastSwitch()
  const { fleet, originals } = green
  const uids = await fleet.uids()
  expect(await servedVersions(green)).toEqual(['1.1.0'])
  await breakAll(green, '1.1.0', 'crash')
  await eventually('served again', async () => expect(await servedVersions(green)).toEqual(['1.0.0']) ?? true, patience)
  await breakAll(green, '1.1.0', null)
  await fleet.reaches({ '1.0.0': size, '1.1.0': size })
  // Longer than until the release looks again.
  for (let look = 0; look < 32; look++) {
    expect(await servedVersions(green)).toEqual(['1.0.0'])
    await sleep(200)
  }
  expect(await fleet.uids()).toEqual(uids)
  const moved = (await fleet.release.events()).filter(({ data }) => 'reason' in data && data.reason === 'PIN_MOVED')
  expect(moved).toMatchObject([{ type: 'release.changed', data: { performedBy: 'flotilla' } }])
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=previous`, undefined))
  await fleet.reaches({ '1.0.0': size })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('left frozen, a set that has not passed gets no traffic when the other is broken: the release says so', async () => {
  const green = await frozenGreen()
  const { fleet, originals } = green
  await breakAll(green, '1.0.0', 'crash')
  const said = await fleet.release.until(
    'nobody serves',
    ({ waitingFor }) => waitingFor?.reason === 'PIN_SERVES_NOBODY',
  )
  expect(said.waitingFor?.detail).toMatch(/pinned to 1\.0\.0, .* unfreeze\?to=target or \?to=previous/)
  expect(
    ok(await world.api.get<readonly { id: string }[]>(`/helm/releases?attention=true&q=${fleet.namespace}`)),
  ).toMatchObject([{ id: fleet.release.id }])
  expect(await servedVersions(green)).toEqual([])
  await breakAll(green, '1.0.0', null)
  await fleet.release.until('it serves again', ({ waitingFor }) => waitingFor === null)
  expect(await servedVersions(green)).toEqual(['1.0.0'])
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=target`, undefined))
  await fleet.reaches({ '1.1.0': size })
  await expectNothingOfOurs(fleet, originals)
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
