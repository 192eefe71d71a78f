import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { frozenWorkloads } from '../../../src/upgrades/drivers/frozen.ts'
import { noteName } from '../../../src/upgrades/drivers/gate/annotation.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import type { Service } from '../../../src/upgrades/drivers/services/select.ts'
import { replace, TestFleet } from './support/fleet.ts'
import { World } from './support/world.ts'

// A workload that was replaced while it was held: another object, with our note and our fields on it.

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

type Kind = TestFleet['kind']
const kinds: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet']

/** Fields that gates change, as another version of a chart may want them. */
const otherFields: Readonly<Record<Kind, JsonObject>> = {
  Deployment: { minReadySeconds: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } } },
  StatefulSet: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
  DaemonSet: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } },
}

type Held = { readonly fleet: TestFleet; readonly spec: object }

/** Half-way to the next version, and frozen. */
async function frozen(kind: Kind): Promise<Held> {
  const fleet = await TestFleet.open(world, kind, { replicas: 2 })
  const spec = await specOf(fleet)
  await fleet.upgraded()
  const [first] = await fleet.podsOf('1.0.0')
  if (kind === 'StatefulSet')
    await fleet.admit(
      1,
      0,
      (await fleet.podsOf('1.0.0')).filter(({ name }) => name === 'app-1'),
    )
  else await fleet.admit(1, 0, first === undefined ? [] : [first])
  await until(async () => (await fleet.versions())['2.0.0'] === 1)
  await fleet.gate({ kind: 'frozen' })
  return { fleet, spec }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  await expect.poll(isSo, { timeout: 30_000, interval: 40 }).toBe(true)
}

async function specOf(fleet: TestFleet): Promise<object> {
  const { template: _, ...spec } = (await fleet.live()).spec ?? {}
  return spec
}

async function expectUntouched({ fleet, spec }: Held): Promise<void> {
  expect(await specOf(fleet)).toEqual(spec)
  expectUnmarked(await fleet.live())
}

function expectUnmarked({ metadata }: KubeObject): void {
  expect(metadata.annotations?.[noteName]).toBeUndefined()
  expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
}

const releaseOf = ({ releaseId: id, namespace }: TestFleet) => ({ id, clusterId: world.clusterId, namespace })
const rowsOf = ({ releaseId }: TestFleet) => world.gates.ofRelease(world.database.db, releaseId)

describe.each(kinds)('a %s that was replaced while it was frozen', (kind) => {
  test('gets its fields back when the freeze ends', async () => {
    const held = await frozen(kind)
    const { fleet } = held
    await fleet.replaced()
    const port = frozenWorkloads(world.parts())
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    expect(await port.stillHeld(releaseOf(fleet))).toBe(true)
    await port.halt(releaseOf(fleet), lease, 'on')
    await port.restore(releaseOf(fleet), lease)
    await expectUntouched(held)
    expect(await port.stillHeld(releaseOf(fleet))).toBe(false)
    await fleet.reaches({ '2.0.0': kind === 'DaemonSet' ? await fleet.nodes() : 2 })
    expect(await rowsOf(fleet)).toEqual([])
    // Helm, which does not force, meets nobody on what was held.
    await fleet.apply('2.0.0', otherFields[kind])
  })

  test('is taken over by the next execution, with the fields that were noted', async () => {
    const held = await frozen(kind)
    const { fleet } = held
    await fleet.replaced()
    await fleet.next({ from: '1.0.0', to: '2.0.0' })
    await fleet.gate({ kind: 'closed' })
    await fleet.apply('2.0.0')
    await fleet.gate({ kind: 'none' })
    await expectUntouched(held)
    expect(await rowsOf(fleet)).toMatchObject([{ executionId: fleet.execution.id }])
  })

  test('is taken over by its note alone', async () => {
    const held = await frozen(kind)
    const { fleet } = held
    const kept = await fleet.live()
    await fleet.gate({ kind: 'none' })
    const { db } = world.database
    await transaction(db, (tx) => world.gates.dropOff(tx, fleet.execution.id))
    expect(await rowsOf(fleet)).toEqual([])
    await fleet.replaced(kept)
    await fleet.next({ from: '2.0.0', to: '3.0.0' })
    await fleet.gate({ kind: 'closed' })
    await fleet.gate({ kind: 'none' })
    await expectUntouched(held)
  })

  test('without our note is left alone', async () => {
    const { fleet } = await frozen(kind)
    const { metadata, ...kept } = await fleet.live()
    const { [noteName]: _, ...annotations } = metadata.annotations ?? {}
    await fleet.replaced({ ...kept, metadata: { ...metadata, annotations } })
    const theirs = await specOf(fleet)
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    await frozenWorkloads(world.parts()).restore(releaseOf(fleet), lease)
    expect(await specOf(fleet)).toEqual(theirs)
  })

  test('is another one for the execution that held it, which takes its gate off', async () => {
    const held = await frozen(kind)
    const { fleet } = held
    await fleet.replaced()
    const look = { aboutToGo: [], wantsProbe: () => false }
    expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone', left: true })
    await fleet.gate({ kind: 'none' })
    await expectUntouched(held)
    expect((await fleet.see()).gate).toEqual({ kind: 'none' })
    const rows = await rowsOf(fleet)
    expect(rows).toHaveLength(1)
    await transaction(world.database.db, (tx) => world.gates.dropOff(tx, fleet.execution.id))
    expect(await rowsOf(fleet)).toEqual([])
  })
})

describe('a Service that was replaced while it was pinned', () => {
  const selector = { app: 'app' }
  const named = (fleet: TestFleet) => ({ namespace: fleet.namespace, name: 'web' })
  const service = (fleet: TestFleet) => fleet.client.get<Service>(resources.services, named(fleet))

  async function apply(fleet: TestFleet, wanted: Readonly<Record<string, string>>): Promise<void> {
    const spec = { selector: wanted, ports: [{ port: 80 }] }
    const body = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec }
    await fleet.client.patch(resources.services, named(fleet), { type: 'apply', body, fieldManager: 'helm' })
  }

  async function pinned(): Promise<TestFleet> {
    const fleet = await TestFleet.open(world, 'Deployment', { replicas: 2 })
    await apply(fleet, selector)
    await fleet.upgraded()
    await fleet.pin('previous')
    await fleet.admit(0, 2)
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 }, 2)
    await replace(fleet.client, resources.services, await service(fleet))
    expect((await service(fleet)).spec?.selector).not.toEqual(selector)
    return fleet
  }

  test('is let go with the pin', async () => {
    const fleet = await pinned()
    await fleet.pin(null)
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expectUnmarked(await service(fleet))
  })

  test('is pinned on, and let go in the end', async () => {
    const fleet = await pinned()
    await fleet.pin('target')
    await fleet.gate({ kind: 'none' })
    await fleet.pin(null)
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expectUnmarked(await service(fleet))
  })

  test('is given up before helm runs on a frozen fleet, and let go after it', async () => {
    const fleet = await pinned()
    await fleet.gate({ kind: 'frozen' })
    const port = frozenWorkloads(world.parts())
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    await port.halt(releaseOf(fleet), lease, 'on')
    await apply(fleet, { ...selector, tier: 'front' })
    await port.restore(releaseOf(fleet), lease)
    expect((await service(fleet)).spec?.selector).toEqual({ ...selector, tier: 'front' })
  })

  test('is left alone where another hand has set what it says', async () => {
    const fleet = await pinned()
    const { spec, ...rest } = await service(fleet)
    const theirs = { ...selector, 'pod-template-hash': 'theirs' }
    await replace(fleet.client, resources.services, { ...rest, spec: { ...spec, selector: theirs } })
    await fleet.pin(null)
    expect((await service(fleet)).spec?.selector).toEqual(theirs)
  })

  test('is let go though the workload is gone', async () => {
    const fleet = await pinned()
    await fleet.client.delete(resources.deployments, { namespace: fleet.namespace, name: fleet.name })
    const look = { aboutToGo: [], wantsProbe: () => false }
    expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone', left: true })
    await fleet.gate({ kind: 'none' })
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expect(await fleet.driver.observe(fleet.execution, look)).not.toHaveProperty('left')
  })

  test('is let go though the workload is another one, which has no note of ours and is left alone', async () => {
    const fleet = await pinned()
    const { metadata, ...kept } = await fleet.live()
    const { [noteName]: _, ...annotations } = metadata.annotations ?? {}
    await fleet.replaced({ ...kept, metadata: { ...metadata, annotations } })
    const theirs = await fleet.live()
    const look = { aboutToGo: [], wantsProbe: () => false }
    expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone', left: true })
    await fleet.gate({ kind: 'none' })
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expect(await fleet.driver.observe(fleet.execution, look)).not.toHaveProperty('left')
    // A controller writes its status meanwhile: whoever changes what is wanted makes a new generation.
    const live = await fleet.live()
    expect(live.metadata).toMatchObject({ uid: theirs.metadata.uid, generation: theirs.metadata.generation })
    expect(live.metadata.annotations).not.toHaveProperty([noteName])
    const held = (await rowsOf(fleet)).map(({ workloadUid }) => workloadUid)
    expect(held).not.toContain(theirs.metadata.uid)
  })
})

test('a workload that was replaced between a look and its act is not held on', async () => {
  const fleet = await TestFleet.open(world, 'Deployment', { replicas: 2 })
  await fleet.upgraded()
  await fleet.replaced()
  await expect(fleet.admit(1, 0)).rejects.toMatchObject({ failure: { code: 'conflict' } })
  const look = { aboutToGo: [], wantsProbe: () => false }
  expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone', left: true })
})
