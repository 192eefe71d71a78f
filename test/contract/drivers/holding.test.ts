import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ActFailed, LeaseLost } from '../../../src/infra/engine/index.ts'
import { type ClusterClient, resources } from '../../../src/infra/kubernetes/index.ts'
import { frozenWorkloads } from '../../../src/upgrades/drivers/frozen.ts'
import { noteName } from '../../../src/upgrades/drivers/gate/annotation.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import { workloadDriver } from '../../../src/upgrades/drivers/workload-driver.ts'
import { eventually } from '../../support/cluster.ts'
import { heldBy, TestFleet, uidsOf } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const open = (options: Parameters<typeof TestFleet.open>[2] = {}) => TestFleet.open(world, 'Deployment', options)

/** Two of four on the new version, left there by an execution that has ended. */
async function frozen(): Promise<TestFleet> {
  const fleet = await open()
  await fleet.upgraded()
  await fleet.admit(2)
  await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 })
  await fleet.gate({ kind: 'frozen' })
  return fleet
}

/** The client, doing something right before a patch of the workload goes out. */
function racing(client: ClusterClient, what: () => Promise<unknown>): ClusterClient {
  const patch: ClusterClient['patch'] = async (resource, ...rest) => {
    if (resource.kind === 'Deployment') await what()
    return client.patch(resource, ...rest)
  }
  return new Proxy(client, {
    get: (target, name) => {
      const value = name === 'patch' ? patch : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('a frozen fleet', () => {
  test('holds through deleted pods and a restart of the cluster', async () => {
    const fleet = await frozen()
    await fleet.holds()
    for (const version of ['1.0.0', '2.0.0']) {
      const [pod] = await fleet.podsOf(version)
      await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name: pod?.name ?? '' })
      await eventually(
        () => fleet.podsOf(version),
        (pods) => pods.every(({ uid }) => uid !== pod?.uid),
      )
      await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 })
    }
    await world.restartCluster()
    await fleet.holds()
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 })
    expect((await fleet.see()).gate).toEqual({ kind: 'frozen' })
    const note = JSON.parse((await fleet.live()).metadata.annotations?.[noteName] ?? '{}')
    expect(note).toMatchObject({ execution: fleet.execution.id, position: { kind: 'frozen' } })
    expect(note.endFreeze).toContain(`${fleet.releaseId}/unfreeze?to=target`)
    expect(note.originals.strategy.rollingUpdate).toEqual({ maxSurge: '25%', maxUnavailable: '25%' })
  })

  test('does not move when helm applies another version by hand', async () => {
    const fleet = await frozen()
    await fleet.apply('3.0.0', {}, { force: true })
    await fleet.holds()
  })

  test('is taken over by another execution, which keeps the original originals', async () => {
    const fleet = await frozen()
    const first = fleet.execution.id
    await fleet.next({ from: '1.0.0', to: '3.0.0' })
    const sight = await fleet.see()
    expect(sight.gate).toEqual({ kind: 'none' })
    const present = sight.members.filter(({ terminating }) => !terminating)
    expect(present.map(({ side }) => side).toSorted()).toEqual(['other', 'other', 'previous', 'previous'])
    await fleet.gate({ kind: 'closed' })
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'closed' })
    const [row] = await world.gates.ofExecution(world.database.db, fleet.execution.id)
    expect(row?.state.takenFrom).toBe(first)
    fleet.execution = { ...fleet.execution, deployed: true }
    await fleet.apply('3.0.0')
    await fleet.holds()
    await fleet.admit(1)
    await eventually(
      () => fleet.versions(),
      (versions) => versions['3.0.0'] === 1,
    )
    await fleet.admit(4)
    await fleet.reaches({ '3.0.0': 4 })
    await fleet.gate({ kind: 'none' })
    const { spec, metadata } = await fleet.live()
    expect(spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } })
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
  })

  test('whose newest template never had a pod is taken over like any other', async () => {
    const fleet = await open()
    await fleet.upgraded()
    await fleet.gate({ kind: 'frozen' })
    await fleet.next({ from: '1.0.0', to: '3.0.0' })
    await fleet.gate({ kind: 'closed' })
    fleet.execution = { ...fleet.execution, deployed: true }
    await fleet.apply('3.0.0')
    await fleet.holds()
    await fleet.admit(4)
    await fleet.reaches({ '3.0.0': 4 })
  })

  test('can go back to the previous version by another execution', async () => {
    const fleet = await frozen()
    await fleet.next({ from: '2.0.0', to: '1.0.0' })
    const there = (await fleet.see()).members.filter(({ terminating }) => !terminating)
    expect(there.filter(({ side }) => side === 'target')).toHaveLength(2)
    await fleet.gate({ kind: 'closed' })
    fleet.execution = { ...fleet.execution, deployed: true }
    await fleet.apply('1.0.0')
    await fleet.admit(3)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 1 }, 3)
    await fleet.admit(4)
    await fleet.reaches({ '1.0.0': 4 })
  })

  test('stays frozen when the execution that took it over ends before helm ran', async () => {
    const fleet = await frozen()
    const first = fleet.execution
    await fleet.next({ from: '1.0.0', to: '3.0.0' })
    await fleet.gate({ kind: 'closed' })
    await fleet.gate({ kind: 'frozen' })
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'none' })
    const [row] = await world.gates.ofExecution(world.database.db, first.id)
    expect(row?.state.position).toEqual({ kind: 'frozen' })
    const note = JSON.parse((await fleet.live()).metadata.annotations?.[noteName] ?? '{}')
    expect(note.execution).toBe(first.id)
  })

  test('ends with the next upgrade of the release', async () => {
    const fleet = await frozen()
    const port = frozenWorkloads(world.parts())
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    const lease = await world.lease({ id: fleet.releaseId }, 'release')
    await port.halt(release, lease, 'on')
    await fleet.holds()
    expect((await fleet.live()).metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    const before = uidsOf(await fleet.alive())
    await fleet.applyBeneath('3.0.0', { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
    await fleet.holds()
    expect(uidsOf(await fleet.alive())).toEqual(before)
    await port.restore(release, lease)
    await fleet.reaches({ '3.0.0': 4 })
    expect(await world.gates.ofRelease(world.database.db, fleet.releaseId)).toEqual([])
    const { spec, metadata } = await fleet.live()
    expect(spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } })
    expect(metadata.annotations?.[noteName]).toBeUndefined()
    await port.restore(release, lease)
  })
})

describe('a crash or a second worker', () => {
  test('between the row and the patch is repeated', async () => {
    const fleet = await open({ replicas: 2 })
    const broken = racing(fleet.client, () => Promise.reject(new Error('killed')))
    const dead = workloadDriver(world.parts(broken))
    await expect(dead.gate(fleet.execution, { kind: 'closed' }, [], heldBy(fleet.lease))).rejects.toThrow('killed')
    const [row] = await world.gates.ofExecution(world.database.db, fleet.execution.id)
    expect(row?.state.position).toEqual({ kind: 'closed' })
    expect((await fleet.see()).gate).toEqual({ kind: 'none' })
    await fleet.takeOver()
    await fleet.upgraded()
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'closed' })
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': 2 })
  })

  test('between putting back and withdrawing is repeated', async () => {
    const fleet = await open({ replicas: 2 })
    await fleet.upgraded()
    await fleet.admit(2)
    await fleet.reaches({ '2.0.0': 2 })
    let patches = 0
    const broken = racing(fleet.client, async () => {
      if (++patches === 2) throw new Error('killed')
    })
    const dead = workloadDriver(world.parts(broken))
    await expect(dead.gate(fleet.execution, { kind: 'none' }, [], heldBy(fleet.lease))).rejects.toThrow('killed')
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 2, surge: 0 })
    await fleet.gate({ kind: 'none' })
    expect((await fleet.see()).gate).toEqual({ kind: 'none' })
  })

  test('a stale version is refused when the spec has moved', async () => {
    const fleet = await open({ replicas: 2 })
    let once = true
    const raced = racing(fleet.client, async () => {
      if (once) await fleet.touch({ replicas: 3 })
      once = false
    })
    const driver = workloadDriver(world.parts(raced))
    const failed = await driver
      .gate(fleet.execution, { kind: 'closed' }, [], heldBy(fleet.lease))
      .catch((error) => error)
    expect(failed).toBeInstanceOf(ActFailed)
    expect(failed).toMatchObject({ result: 'unchanged', failure: { code: 'conflict' } })
    expect((await fleet.live()).spec?.paused ?? false).toBe(false)
  })

  test('a version that only another status or note has made stale is read again', async () => {
    const fleet = await open({ replicas: 2 })
    let once = true
    const raced = racing(fleet.client, async () => {
      const body = { metadata: { annotations: { seen: 'yes' } } }
      const named = { namespace: fleet.namespace, name: fleet.name }
      if (once) await fleet.client.patch(resources.deployments, named, { type: 'merge', body })
      once = false
    })
    await workloadDriver(world.parts(raced)).gate(fleet.execution, { kind: 'closed' }, [], heldBy(fleet.lease))
    expect((await fleet.see()).gate).toEqual({ kind: 'closed' })
  })

  test('is read again as often as a busy controller makes it stale', async () => {
    const fleet = await open({ replicas: 2 })
    let left = 12
    const raced = racing(fleet.client, async () => {
      const body = { metadata: { annotations: { seen: `${left}` } } }
      const named = { namespace: fleet.namespace, name: fleet.name }
      if (left > 0) await fleet.client.patch(resources.deployments, named, { type: 'merge', body })
      left -= 1
    })
    await workloadDriver(world.parts(raced)).gate(fleet.execution, { kind: 'closed' }, [], heldBy(fleet.lease))
    expect((await fleet.see()).gate).toEqual({ kind: 'closed' })
  })

  test('a lease that was lost writes nothing, nor does an older one over a newer', async () => {
    const fleet = await open({ replicas: 2 })
    const old = fleet.lease
    await fleet.takeOver()
    await expect(fleet.driver.gate(fleet.execution, { kind: 'closed' }, [], heldBy(old))).rejects.toThrow(LeaseLost)
    await fleet.gate({ kind: 'closed' })
    const late = { ...old, epoch: old.epoch, remainingMs: () => 1000, signal: new AbortController().signal }
    await expect(fleet.driver.gate(fleet.execution, { kind: 'none' }, [], heldBy(late))).rejects.toThrow(LeaseLost)
    const over = { ...fleet.lease, remainingMs: () => 0, signal: new AbortController().signal }
    await expect(fleet.driver.gate(fleet.execution, { kind: 'none' }, [], heldBy(over))).rejects.toThrow(LeaseLost)
    expect((await fleet.live()).spec?.paused).toBe(true)
  })
})
