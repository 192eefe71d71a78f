import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { ActFailed } from '../../../src/infra/engine/index.ts'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import type { Execution } from '../../../src/upgrades/core/model.ts'
import { newInstance } from '../../../src/upgrades/core/slots.ts'
import { frozenWorkloads } from '../../../src/upgrades/drivers/frozen.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import type { Service } from '../../../src/upgrades/drivers/services/select.ts'
import { eventually, podsAnswer } from '../../support/cluster.ts'
import { TestFleet } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const selector = { app: 'app' }

/** What helm does with a Service. */
async function applyService(fleet: TestFleet, name = 'web', wanted: Readonly<Record<string, string>> = selector) {
  const body = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: wanted, ports: [{ port: 80 }] },
  }
  const patch = { type: 'apply', body, fieldManager: 'helm' } as const
  await fleet.client.patch(resources.services, { namespace: fleet.namespace, name }, patch)
}

const service = (fleet: TestFleet, name = 'web') =>
  fleet.client.get<Service>(resources.services, { namespace: fleet.namespace, name })

/** Both sides are ready, and traffic is on the previous one. */
async function bothSides(replicas = 3): Promise<TestFleet> {
  const fleet = await TestFleet.open(world, 'Deployment', { replicas })
  await applyService(fleet)
  await applyService(fleet, 'other', { app: 'another' })
  await fleet.upgraded()
  await fleet.pin('previous')
  await fleet.admit(0, replicas)
  await fleet.reaches({ '1.0.0': replicas, '2.0.0': replicas }, replicas)
  return fleet
}

const pinned = (fleet: TestFleet, to: string, endpoints: number) =>
  eventually(
    async () => (await fleet.see()).pin,
    (pin) => pin?.to === to && pin.endpoints === endpoints,
  )

describe('a pin', () => {
  test('switches all traffic and back, and leaves nothing behind', async () => {
    const fleet = await bothSides()
    await pinned(fleet, 'previous', 3)
    await fleet.pin('target')
    await pinned(fleet, 'target', 3)
    await fleet.pin('previous')
    await pinned(fleet, 'previous', 3)
    await fleet.pin('target')
    await pinned(fleet, 'target', 3)
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': 3 }, 3)
    await pinned(fleet, 'target', 3)
    await fleet.pin(null)
    expect((await fleet.see()).pin).toBeNull()
    const { spec, metadata } = await service(fleet)
    expect(spec?.selector).toEqual(selector)
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    expect((await service(fleet, 'other')).spec?.selector).toEqual({ app: 'another' })
    await applyService(fleet, 'web', { ...selector, tier: 'front' })
    const rows = await world.gates.ofExecution(world.database.db, fleet.execution.id)
    expect(rows.map(({ originals }) => originals.services)).toEqual([[]])
  })

  test('that was taken away by a worker that was lost before it gave the field back is still to be taken away', async () => {
    const fleet = await bothSides(1)
    await pinned(fleet, 'previous', 1)
    const body = { spec: { selector: { 'pod-template-hash': null } } }
    const named = { namespace: fleet.namespace, name: 'web' }
    await fleet.client.patch(resources.services, named, { type: 'merge', body, fieldManager })
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expect((await fleet.see()).pin).not.toBeNull()
    await fleet.pin(null)
    expect((await fleet.see()).pin).toBeNull()
    expect((await service(fleet)).metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
  })

  test('is refused to a side that has no ready pod', async () => {
    const fleet = await TestFleet.open(world, 'Deployment', { replicas: 2 })
    await applyService(fleet)
    await fleet.upgraded('2.0.0-never-ready')
    await fleet.pin('previous')
    await fleet.admit(0, 2)
    await eventually(
      async () => (await fleet.see()).members.filter(({ side }) => side === 'target').length,
      (count) => count === 2,
    )
    const failed = await fleet.pin('target').catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(ActFailed)
    expect(failed).toMatchObject({ result: 'unchanged', failure: { code: 'refused' } })
    await pinned(fleet, 'previous', 2)
  })

  test('to the side that goes is taken away before the originals are put back', async () => {
    const fleet = await bothSides(2)
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': 2 }, 2)
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    expect((await fleet.see()).pin).toBeNull()
  })

  test('is gone back from by one switch, and the new side goes', async () => {
    const fleet = await bothSides(2)
    await fleet.pin('target')
    await pinned(fleet, 'target', 2)
    await fleet.pin('previous')
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'halted' })
    await fleet.holds()
    await fleet.apply('1.0.0')
    await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 })
    await fleet.reaches({ '1.0.0': 2 }, 2)
    await fleet.gate({ kind: 'none' })
    await fleet.pin(null)
    expect((await service(fleet)).spec?.selector).toEqual(selector)
  })

  test('holds on to both sides when the fleet is frozen with all of them there', async () => {
    const fleet = await bothSides(2)
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'frozen' })
    await fleet.holds(2000)
    await pinned(fleet, 'previous', 2)
  })

  test('is given up before helm runs on a frozen fleet, and traffic stays where it is', async () => {
    const fleet = await bothSides(2)
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'frozen' })
    const pinnedTo = (await service(fleet)).spec?.selector
    const port = frozenWorkloads(world.parts())
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    await port.halt(release, lease, 'on')
    const halted = await service(fleet)
    expect(halted.spec?.selector).toEqual(pinnedTo)
    expect(halted.metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    await applyService(fleet, 'web', { ...selector, tier: 'front' })
    expect((await service(fleet)).spec?.selector).toEqual({ ...selector, tier: 'front' })
    await port.restore(release, lease)
    expect((await service(fleet)).spec?.selector).toEqual({ ...selector, tier: 'front' })
  })

  test('to what stays is kept while helm applies, and given up when the rest has gone', async () => {
    const fleet = await bothSides(2)
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'frozen' })
    const port = frozenWorkloads(world.parts())
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    const [kept, ...others] = await port.pins(release, lease)
    expect([kept?.service, others]).toEqual(['web', []])
    await port.halt(release, lease, 'on')
    await applyService(fleet, 'web', { ...selector, ...kept?.labels })
    await fleet.apply('1.0.0')
    await port.restore(release, lease)
    expect(await fleet.versions()).toEqual({ '1.0.0': 2 })
    expect((await service(fleet)).spec?.selector).toEqual(selector)
    await applyService(fleet, 'web', { ...selector, tier: 'front' })
  })

  test('to what has passed needs not be kept', async () => {
    const fleet = await bothSides(2)
    await fleet.pin('target')
    await pinned(fleet, 'target', 2)
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    expect(await frozenWorkloads(world.parts()).pins(release, lease)).toEqual([])
  })

  test('that is left on a side without a ready pod comes off before helm runs', async () => {
    const fleet = await bothSides(2)
    await fleet.gate({ kind: 'frozen' })
    const body = { spec: { selector: { 'pod-template-hash': 'nobody' } } }
    const patch = { type: 'merge', body, fieldManager } as const
    await fleet.client.patch(resources.services, { namespace: fleet.namespace, name: 'web' }, patch)
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    await frozenWorkloads(world.parts()).halt(release, await world.lease({ id: fleet.releaseId }, 'release'), 'on')
    expect((await service(fleet)).spec?.selector).toEqual(selector)
  })

  test('is given up by an execution that takes a frozen fleet over, also where it has to move it before helm ran', async () => {
    const fleet = await bothSides(2)
    await pinned(fleet, 'previous', 2)
    await fleet.gate({ kind: 'frozen' })
    await fleet.next({ from: '1.0.0', to: '2.0.0' })
    await fleet.gate({ kind: 'closed' })
    await pinned(fleet, 'previous', 2)
    await applyService(fleet)
    expect((await fleet.see()).pin).toBeNull()
    await fleet.pin('previous')
    await pinned(fleet, 'previous', 2)
    await applyService(fleet)
    await fleet.holds()
  })

  test('that helm has taken away is noted as gone, and the gate ends with the execution', async () => {
    const fleet = await bothSides(2)
    await fleet.gate({ kind: 'frozen' })
    await fleet.next({ from: '1.0.0', to: '2.0.0' })
    await fleet.gate({ kind: 'closed' })
    await applyService(fleet)
    await fleet.gate({ kind: 'none' })
    const { db } = world.database
    expect(await world.gates.ofExecution(db, fleet.execution.id)).toMatchObject([{ originals: { services: [] } }])
    await transaction(db, (tx) => world.gates.dropOff(tx, fleet.execution.id))
    expect(await world.gates.ofExecution(db, fleet.execution.id)).toEqual([])
  })

  /** The pods of a version go and none comes for them. */
  async function lose(fleet: TestFleet, version: string): Promise<void> {
    const metadata = { name: 'limits', namespace: fleet.namespace }
    const body = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } }
    await fleet.client.patch(resources.resourceQuotas, metadata, { type: 'apply', body, fieldManager: 'tester' })
    await eventually(
      () =>
        fleet.client.get<KubeObject & { readonly status?: { readonly hard?: object } }>(
          resources.resourceQuotas,
          metadata,
        ),
      ({ status }) => status?.hard !== undefined,
    )
    for (const { name } of await fleet.podsOf(version))
      await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name })
    await eventually(
      () => fleet.podsOf(version),
      (pods) => pods.length === 0,
    )
  }

  test.each([
    { passed: true, to: '2.0.0', side: 'target' },
    { passed: false, to: null, side: 'previous' },
  ])('that serves nobody on a frozen fleet goes to the other set where that has passed: $passed', async (given) => {
    const fleet = await bothSides(2)
    const status = given.passed ? 'COMPLETED' : 'HEALTH_CHECKING'
    const instances = (await fleet.see()).members.map((member, n) => ({
      ...newInstance(fleet.execution.id, n, member, 'TARGET'),
      status,
    })) as Execution['instances']
    fleet.execution = { ...fleet.execution, instances }
    await fleet.gate({ kind: 'frozen' })
    const port = frozenWorkloads(world.parts())
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace, frozen: null }
    expect(await port.traffic(release)).toEqual({ kind: 'serves', pins: { web: '1.0.0' } })
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    const before = await service(fleet)
    await port.repin(release, lease)
    expect(await service(fleet)).toEqual(before)
    await lose(fleet, '1.0.0')
    expect(await port.traffic(release)).toMatchObject({ kind: 'outage', service: 'web', to: given.to })
    await port.repin(release, lease)
    await pinned(fleet, given.side, given.passed ? 2 : 0)
    await port.halt(release, lease, 'on')
    await applyService(fleet)
  })

  test.each([
    { passed: true, to: '2.0.0' },
    { passed: false, to: null },
  ])('of several Services is told of each that serves nobody, and all are moved: $passed', async ({ passed, to }) => {
    const fleet = await TestFleet.open(world, 'Deployment', { replicas: 2 })
    for (const name of ['api', 'web']) await applyService(fleet, name)
    await fleet.upgraded()
    await fleet.pin('previous')
    await fleet.admit(0, 2)
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 }, 2)
    const status = passed ? 'COMPLETED' : 'HEALTH_CHECKING'
    const instances = (await fleet.see()).members.map((member, n) => ({
      ...newInstance(fleet.execution.id, n, member, 'TARGET'),
      status,
    })) as Execution['instances']
    fleet.execution = { ...fleet.execution, instances }
    await fleet.gate({ kind: 'frozen' })
    const port = frozenWorkloads(world.parts())
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace, frozen: null }
    await lose(fleet, '1.0.0')
    const seen = await port.traffic(release)
    expect(seen).toMatchObject({ kind: 'outage', to })
    for (const name of ['api', 'web']) expect(JSON.stringify(seen)).toContain(`Service ${name} is pinned to 1.0.0`)
    await port.repin(release, await world.lease({ id: fleet.releaseId }, 'release'))
    const pins = { api: '2.0.0', web: '2.0.0' }
    expect(await port.traffic(release)).toMatchObject(passed ? { kind: 'serves', pins } : { kind: 'outage', to: null })
  })

  test.each([
    ['frozen', 'to nobody', { tier: 'nobody' }],
    ['frozen', 'elsewhere', { app: 'another' }],
    ['none', 'elsewhere', { app: 'another' }],
  ] as const)('comes off when the gate is %s, of a Service that another hand has sent %s', async (kind, _, theirs) => {
    const fleet = await bothSides(2)
    await fleet.pin('target')
    const change = { type: 'merge', body: { spec: { selector: theirs } } } as const
    await fleet.client.patch(resources.services, { namespace: fleet.namespace, name: 'web' }, change)
    expect((await fleet.see()).pin).toBeNull()
    await fleet.gate({ kind })
    const { spec, metadata } = await service(fleet)
    expect(spec?.selector).toEqual({ ...selector, ...theirs })
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    const rows = await world.gates.ofExecution(world.database.db, fleet.execution.id)
    expect(rows.map(({ originals }) => originals.services)).toEqual([[]])
  })

  test('that another hand has changed is told as it is', async () => {
    const fleet = await bothSides(2)
    const body = { spec: { selector: { 'pod-template-hash': 'nothing' } } }
    await fleet.client.patch(resources.services, { namespace: fleet.namespace, name: 'web' }, { type: 'merge', body })
    expect((await fleet.see()).pin).toEqual({ to: 'other', endpoints: 0 })
  })
})

describe.runIf(podsAnswer)('health endpoints', () => {
  test('are asked of the pods that are wanted', async () => {
    const fleet = await TestFleet.open(world, 'Deployment', { replicas: 2 })
    fleet.execution = { ...fleet.execution, healthEndpoint: { path: '/healthz', port: 8080 } }
    expect((await fleet.see()).probes).toEqual({})
    expect(Object.values((await fleet.see({ probe: true })).probes)).toEqual(['good', 'good'])
    await fleet.upgraded('2.0.0-sick')
    await fleet.admit(1)
    await fleet.reaches({ '1.0.0': 1, '2.0.0': 1 })
    const { probes, members } = await fleet.see({ probe: true })
    const sick = members.find(({ side }) => side === 'target')
    expect(probes[sick?.pod.uid ?? '']).toBe('bad')
    fleet.execution = { ...fleet.execution, healthEndpoint: { path: '/../secrets', port: 8080 } }
    expect(new Set(Object.values((await fleet.see({ probe: true })).probes))).toEqual(new Set(['bad']))
  })
})
