import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ActFailed } from '../../../src/infra/engine/index.ts'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { frozenWorkloads } from '../../../src/upgrades/drivers/frozen.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import { eventually } from '../../support/cluster.ts'
import { TestFleet, uidsOf } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const open = (options: Parameters<typeof TestFleet.open>[2] = {}) => TestFleet.open(world, 'DaemonSet', options)
type Budget = KubeObject & { readonly spec: unknown; readonly status?: { readonly disruptionsAllowed?: number } }

async function budget(fleet: TestFleet, maxUnavailable: number): Promise<void> {
  const spec = { maxUnavailable, selector: { matchLabels: { app: fleet.name } } }
  const metadata = { name: 'budget', namespace: fleet.namespace }
  await fleet.client.create<Budget>(resources.disruptionBudgets, { metadata, spec })
  const read = () => fleet.client.get<Budget>(resources.disruptionBudgets, metadata)
  await eventually(read, ({ status }) => status?.disruptionsAllowed === maxUnavailable)
}

describe('a DaemonSet under a gate', () => {
  test('moves only the pods that are taken, each on its node, and completes', async () => {
    const fleet = await open()
    const nodes = await fleet.nodes()
    const before = (await fleet.live()).spec
    await fleet.upgraded()
    await fleet.holds()
    const sight = await fleet.see()
    expect(sight).toMatchObject({ gate: { kind: 'closed' }, wanted: nodes })
    expect(new Set(sight.members.map(({ key }) => key)).size).toBe(nodes)
    const [first, ...rest] = await fleet.podsOf('1.0.0')
    if (first === undefined) throw new Error('no pod')
    await fleet.admit(1, 0, [first])
    await fleet.reaches({ '1.0.0': nodes - 1, '2.0.0': 1 }, nodes - 1)
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 1, surge: 0 })
    await fleet.holds()
    await fleet.admit(nodes, 0, rest)
    await fleet.reaches({ '2.0.0': nodes })
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    const after = await fleet.live()
    expect({ ...after.spec, template: null }).toEqual({ ...before, template: null })
    expect(after.metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
  })

  test('a budget that refuses keeps the pod, and the position tells it', async () => {
    const fleet = await open()
    const nodes = await fleet.nodes()
    await budget(fleet, 0)
    await fleet.upgraded()
    const [first] = await fleet.podsOf('1.0.0')
    if (first === undefined) throw new Error('no pod')
    const { refusals } = await fleet.see({ aboutToGo: [first] })
    expect(refusals[first.uid]).toContain('budget')
    const failed = await fleet.admit(1, 0, [first]).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(ActFailed)
    expect(failed).toMatchObject({ failure: { code: 'refused', detail: expect.stringContaining(first.name) } })
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 0, surge: 0 })
    await fleet.reaches({ '1.0.0': nodes })
  })

  test('goes back, broken pods and all, without touching the others', async () => {
    const fleet = await open()
    const nodes = await fleet.nodes()
    await fleet.upgraded('2.0.0-crash')
    const [first, ...others] = await fleet.podsOf('1.0.0')
    if (first === undefined) throw new Error('no pod')
    await fleet.admit(1, 0, [first])
    const target = await eventually(
      async () => (await fleet.see()).members.filter(({ side }) => side === 'target'),
      (found) => found.length === 1,
    )
    await fleet.gate({ kind: 'halted' })
    await fleet.apply('1.0.0')
    await budget(fleet, 0)
    const { refusals } = await fleet.see({ aboutToGo: others })
    expect(Object.keys(refusals).toSorted()).toEqual(others.map(({ uid }) => uid).toSorted())
    const taken = target.map(({ pod }) => pod)
    await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 }, taken)
    await fleet.reaches({ '1.0.0': nodes }, nodes - 1)
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    const now = uidsOf(await fleet.alive())
    expect(others.filter(({ uid }) => !now.includes(uid))).toEqual([])
    expect((await fleet.see()).members.filter(({ terminating }) => !terminating).map(({ side }) => side)).toEqual(
      Array(nodes).fill('previous'),
    )
  })

  test('frozen, the pods that are there stay; a dead one comes back in the new version', async () => {
    const fleet = await open()
    const nodes = await fleet.nodes()
    await fleet.upgraded()
    await fleet.gate({ kind: 'frozen' })
    await fleet.holds()
    const [first] = await fleet.podsOf('1.0.0')
    await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name: first?.name ?? '' })
    await fleet.reaches({ '1.0.0': nodes - 1, '2.0.0': 1 })
    expect((await fleet.see()).gate).toEqual({ kind: 'frozen' })
    const frozen = { executionId: fleet.execution.id, versions: { '1.0.0': nodes, '2.0.0': 0 } }
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace, frozen }
    expect(await frozenWorkloads(world.parts()).versions(release)).toEqual({ '1.0.0': nodes - 1, '2.0.0': 1 })
  })
})

describe('disruption budgets of a Deployment', () => {
  test('refuse in words what may not go, also together', async () => {
    const fleet = await TestFleet.open(world, 'Deployment')
    await budget(fleet, 1)
    await fleet.upgraded()
    const [first, second] = await fleet.podsOf('1.0.0')
    if (first === undefined || second === undefined) throw new Error('no pods')
    expect((await fleet.see({ aboutToGo: [first] })).refusals).toEqual({})
    const { refusals } = await fleet.see({ aboutToGo: [first, second] })
    expect(Object.values(refusals)).toEqual(['The disruption budget budget does not allow so many at once'])
    await fleet.holds()
  })
})
