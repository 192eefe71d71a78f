import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { expectToldAsPublished } from '../support/told.ts'
import type { Execution, RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'
import { expectHelmGoesOn, expectNothingOfOurs, originalsOf } from './support/originals.ts'

// Charts that state how their workload replaces its pods.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 3)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null
const slow = { healthCheckTimeoutSeconds: 60 }
const replacing = { spec: { strategy: { type: 'Recreate' } } }

async function replacesAll(): Promise<Fleet> {
  return Fleet.install(world, component, { kind: 'Deployment', size: 3, values: replacing })
}

/** Given a fleet whose chart replaces all at once, and of which one instance has moved. */
async function halfReplaced(strategy: 'CANARY' | 'STAGED') {
  const fleet = await replacesAll()
  const originals = await originalsOf(fleet)
  const execution = await fleet.started({ ...slow, strategy, batchSize: 1, canaryPercentage: 10 })
  await execution.until('one has moved', ({ progress }) => progress.completed === 1, patience)
  return { fleet, originals, execution }
}

test.concurrent('a Deployment that replaces all at once goes back from a canary', async () => {
  const { fleet, originals, execution } = await halfReplaced('CANARY')
  await execution.untilStatus('CANARY_MONITORING', patience)
  await execution.give('rollback')
  expect(await execution.until('ended', hasEnded, patience)).toMatchObject({ status: 'ROLLED_BACK' })
  await fleet.reaches({ '1.0.0': 3 })
  await expectNothingOfOurs(fleet, originals)
  await expectHelmGoesOn(fleet)
})

test.concurrent.each([
  ['previous', '1.0.0'],
  ['target', '1.1.0'],
] as const)('cancelled half-way it is unfrozen to the %s version', async (to, version) => {
  const { fleet, originals, execution } = await halfReplaced('STAGED')
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${to}`, undefined))
  await fleet.reaches({ [version]: 3 })
  await expectNothingOfOurs(fleet, originals)
})

const rolling = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }

/** Given a fleet whose chart changes how it replaces its pods, frozen half-way. */
async function frozenBetween(from: object, to: object): Promise<Fleet> {
  const specs = { '1.0.0': from, '1.1.0': to, '1.2.0': to }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 3, values: { specs } })
  const execution = await fleet.started({ ...slow, strategy: 'STAGED', batchSize: 1 })
  await execution.until('one has moved', ({ progress }) => progress.completed === 1, patience)
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  return fleet
}

const changes = [
  ['rolling to replacing', rolling, replacing.spec],
  ['replacing to rolling', replacing.spec, rolling],
  ['replacing to the default', replacing.spec, {}],
] as const
const byDefault = { strategy: { type: 'RollingUpdate' } }
const ends = ['previous', 'target', 'an upgrade', 'an execution'] as const

test.concurrent.each(changes.flatMap(([name, from, to]) => ends.map((end) => ({ name, from, to, end }))))(
  'frozen while its chart goes from $name, it ends by $end',
  async ({ from, to, end }) => {
    const fleet = await frozenBetween(from, to)
    const version = { previous: '1.0.0', target: '1.1.0', 'an upgrade': '1.2.0', 'an execution': '1.1.0' }[end]
    if (end === 'an upgrade') ok(await fleet.release.upgrade({ chartVersion: version }))
    else if (end === 'an execution') {
      const next = await fleet.started(slow)
      expect(await next.until('ended', hasEnded, patience)).toMatchObject({ status: 'COMPLETED' })
    } else ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${end}`, undefined))
    await fleet.reaches({ [version]: 3 })
    const { spec, metadata } = await fleet.workload()
    expect({ strategy: spec.strategy }).toMatchObject({ ...byDefault, ...(end === 'previous' ? from : to) })
    expect(metadata.annotations?.['flotilla.dev/gate']).toBeUndefined()
    await expectHelmGoesOn(fleet)
  },
)

// By server-side apply a chart cannot take away what is nobody's: the API server has filled the bounds in.
test.concurrent('where a chart replaces all at once that said nothing before, its bounds are in the way of helm 4: nothing has moved', async () => {
  const specs = { '1.1.0': replacing.spec }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values: { specs } })
  const [originals, before] = [await originalsOf(fleet), await fleet.uids()]
  const done = await (await fleet.started(slow)).until('ended', hasEnded, patience)
  if (testedDialect !== 'v4') return expect(done.status).toBe('COMPLETED')
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'DEPLOY_FAILED' })
  expect(JSON.stringify(done.transitions.at(-1))).toContain('may not be specified when strategy `type` is')
  expect(await fleet.uids()).toEqual(before)
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.read()).toMatchObject({ status: 'FAILED', chartVersion: '1.0.0', frozen: null })
})

test.concurrent('cancelled half-way it is taken over by the next execution', async () => {
  const { fleet, originals, execution } = await halfReplaced('STAGED')
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  problem(await fleet.initiate({ strategy: 'BLUE_GREEN' }), 422, 'cannot_gate')
  const next = await fleet.started(slow)
  expect(await next.until('ended', hasEnded, patience)).toMatchObject({ status: 'COMPLETED' })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('fewer are ready than before where the chart replaces all at once: that is warned of, with the numbers', async () => {
  for (const size of [1, 4]) {
    const fleet = await Fleet.install(world, component, { kind: 'Deployment', size, values: replacing })
    const { warnings } = await (await fleet.initiated({ ...slow, maxUnavailablePercentage: 25 })).read()
    expect(warnings).toContainEqual({ code: 'NO_SURGE', message: expect.stringContaining('Recreate') })
    const [{ message = '' } = {}] = warnings.filter(({ code }) => code === 'NO_SURGE')
    expect(message).toContain(`up to 1 of ${size} instances are not ready at a time`)
    expect(warnings.some(({ code }) => code === 'DOWNTIME')).toBe(size === 1)
  }
  const { warnings } = await (await Fleet.install(world, component, { kind: 'Deployment', size: 1 }))
    .initiated()
    .then((one) => one.read())
  expect(warnings.map(({ code }) => code)).not.toContain('NO_SURGE')
})

test.concurrent('blue-green refuses pods that cannot run beside each other', async () => {
  const fleet = await replacesAll()
  const { detail } = problem(await fleet.initiate({ strategy: 'BLUE_GREEN' }), 422, 'cannot_gate')
  expect(detail).toContain('Recreate')
})

describe.concurrent.each<Kind>(['StatefulSet', 'DaemonSet'])(
  'a %s beside the target whose chart deletes no pod',
  (secondKind) => {
    const onDelete = { updateStrategy: { type: 'OnDelete' } }
    const values = {
      ...{ second: true, secondKind, secondSpecs: { '1.0.0': onDelete, '1.1.0': onDelete, '1.2.0': onDelete } },
      secondFaults: { '1.2.0': 'crash' },
    }
    const app = (fleet: Fleet) => ({
      ...slow,
      target: { kind: 'workload', releaseId: fleet.release.id, workload: { name: 'app' } },
    })
    const install = () => Fleet.install(world, component, { kind: 'Deployment', size: 2, values })
    const secondIs = (fleet: Fleet, version: string) =>
      eventually(`the second is ${version}`, async () => {
        const seen = versionsOf(await fleet.pods('app-second'))
        return Object.keys(seen).join() === version ? true : Promise.reject(new Error(JSON.stringify(seen)))
      })

    test('is refused with the reason: nobody would move it', async () => {
      const fleet = await install()
      const { detail } = problem(await fleet.initiate(app(fleet)), 422, 'cannot_gate')
      expect(detail).toContain(`${secondKind} app-second spec.updateStrategy.type`)
    })

    test('is moved by RECREATE, forward and back', async () => {
      const fleet = await install()
      const execution = await fleet.started({ ...app(fleet), strategy: 'RECREATE' })
      expect(await execution.until('ended', hasEnded, patience)).toMatchObject({ status: 'COMPLETED' })
      expect(Object.keys(versionsOf(await fleet.pods('app-second')))).toEqual(['1.1.0'])
      expect((await fleet.workload('app-second', secondKind)).spec).toMatchObject(onDelete)
      const [fromVersionId, toVersionId] = [component.versions['1.1.0'], component.versions['1.2.0']]
      const next = await fleet.started({ ...app(fleet), fromVersionId, toVersionId, strategy: 'RECREATE' })
      await secondIs(fleet, '1.2.0')
      await next.give('rollback')
      expect(await next.until('ended', hasEnded, patience)).toMatchObject({ status: 'ROLLED_BACK' })
      expect(Object.keys(versionsOf(await fleet.pods('app-second')))).toEqual(['1.1.0'])
    })
  },
)

test.concurrent.each<[string, Kind, object]>([
  ['deletes no pod', 'StatefulSet', { updateStrategy: { type: 'OnDelete' } }],
  ['holds some', 'StatefulSet', { updateStrategy: { rollingUpdate: { partition: 1 } } }],
  ['goes one by one', 'DaemonSet', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } }],
])('RECREATE moves a fleet whose chart %s (%s), and takes it back', async (_, kind, spec) => {
  const values = { spec, faults: { '1.2.0': 'crash' } }
  const fleet = await Fleet.install(world, component, { kind, size: 3, values })
  const execution = await fleet.started({ ...slow, strategy: 'RECREATE' })
  expect(await execution.until('ended', hasEnded, patience)).toMatchObject({ status: 'COMPLETED' })
  await fleet.reaches({ '1.1.0': 3 })
  const originals = await originalsOf(fleet)
  expect(originals.workload).toMatchObject(spec)
  const [fromVersionId, toVersionId] = [component.versions['1.1.0'], component.versions['1.2.0']]
  const next = await fleet.started({ ...slow, fromVersionId, toVersionId, strategy: 'RECREATE' })
  await eventually('all have left', async () => (await fleet.pods()).every(({ version }) => version === '1.2.0'))
  await next.give('rollback')
  expect(await next.until('ended', hasEnded, patience)).toMatchObject({ status: 'ROLLED_BACK' })
  await fleet.reaches({ '1.1.0': 3 })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('frozen because helm could not go back, a StatefulSet keeps each place in its version', async () => {
  const spec = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } }
  const hook = { hookOn: 'pre-rollback', hookMs: 1, hookTag: 'fail' }
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4, values: { spec, ...hook } })
  const originals = await originalsOf(fleet)
  const half = { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds: 3_600 }
  const execution = await fleet.started({ ...slow, ...half })
  await execution.until('half of it', ({ progress }) => progress.completed === 2, patience)
  await execution.give('rollback')
  const done = await execution.until('ended', hasEnded, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'ROLLBACK_FAILED' })
  const mixed = { '1.0.0': 2, '1.1.0': 2 }
  const versionOf = new Map((await fleet.reaches(mixed)).map(({ name, version }) => [name, version]))
  for (const pod of await fleet.pods()) await fleet.kill(pod)
  for (const { name, version } of await fleet.reaches(mixed))
    expect([name, version]).toEqual([name, versionOf.get(name)])
  ok(await world.api.post(`${fleet.release.path}/unfreeze?to=target`, undefined))
  await fleet.reaches({ '1.1.0': 4 })
  await expectNothingOfOurs(fleet, originals)
})

describe.concurrent('a DaemonSet whose chart changes who deletes its pods', () => {
  const onDelete = { updateStrategy: { type: 'OnDelete' } }
  const install = (specs: object, more: object = {}) =>
    Fleet.install(world, component, { kind: 'DaemonSet', size: 3, values: { specs, ...more } })

  test.each([
    ['leaves it to its controller', { '1.0.0': onDelete }],
    ['takes it from its controller', { '1.1.0': onDelete }],
  ])('%s is refused: helm would let all of them go, there or on the way back', async (_, specs) => {
    const fleet = await install(specs)
    const before = await fleet.uids()
    const { detail } = problem(await fleet.initiate(slow), 422, 'cannot_gate')
    expect(detail).toContain('the chart changes DaemonSet app spec.updateStrategy.type')
    expect(await fleet.uids()).toEqual(before)
    const execution = await fleet.started({ ...slow, strategy: 'RECREATE' })
    expect(await execution.until('ended', hasEnded, patience)).toMatchObject({ status: 'COMPLETED' })
    await fleet.reaches({ '1.1.0': 3 })
  })

  test('is refused too where the pods do not change and older ones were left behind', async () => {
    const fleet = await install({ '1.0.0': onDelete }, { tag: '2.0.0' })
    ok(await fleet.release.upgrade({ valuesOverride: { tag: '2.1.0' } }))
    const { detail } = problem(await fleet.initiate(slow), 422, 'cannot_gate')
    expect(detail).toContain('spec.updateStrategy.type')
    for (const pod of await fleet.pods()) await fleet.kill(pod)
    await fleet.reaches({ '1.1.0': 3 })
    const before = await fleet.uids()
    const execution = await fleet.started(slow)
    const done = await execution.until('ended', hasEnded, patience)
    expect(done).toMatchObject({ status: 'COMPLETED', instances: [{ unchanged: true }, {}, {}] })
    expect(await fleet.uids()).toEqual(before)
  })
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
