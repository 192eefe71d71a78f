import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { noteName } from '../../../src/upgrades/drivers/gate/annotation.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import { eventually } from '../../support/cluster.ts'
import { TestFleet, uidsOf } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const open = (options: Parameters<typeof TestFleet.open>[2] = {}) => TestFleet.open(world, 'StatefulSet', options)
/** The pods of these ordinals. */
const ordinals = async (fleet: TestFleet, ...wanted: readonly number[]) =>
  (await fleet.see()).members.filter(({ key }) => wanted.includes(Number(key))).map(({ pod }) => pod)

describe('a StatefulSet under a gate', () => {
  test('closed, a new template moves nothing, not even a pod that dies or is added', async () => {
    const fleet = await open({ replicas: 3 })
    await fleet.upgraded()
    await fleet.holds()
    const sight = await fleet.see()
    expect(sight.gate).toEqual({ kind: 'closed' })
    expect(sight.members.map(({ key, side }) => `${key} ${side}`)).toEqual(['0 previous', '1 previous', '2 previous'])
    await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name: 'app-2' })
    await fleet.touch({ replicas: 4 })
    await fleet.reaches({ '1.0.0': 4 })
    expect((await fleet.see()).wanted).toBe(4)
  })

  test('moves batches, the highest first, evicted at once, and completes', async () => {
    const fleet = await open({ replicas: 5, spec: { podManagementPolicy: 'Parallel' } })
    const before = (await fleet.live()).spec
    await fleet.upgraded()
    await fleet.admit(2, 0, await ordinals(fleet, 3, 4))
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 2 }, 3)
    await fleet.holds()
    const sight = await fleet.see()
    expect(sight.gate).toEqual({ kind: 'admitting', upTo: 2, surge: 0 })
    expect(sight.members.filter(({ side }) => side === 'target').map(({ key }) => key)).toEqual(['3', '4'])
    await fleet.admit(5, 0, await ordinals(fleet, 0, 1, 2))
    await fleet.reaches({ '2.0.0': 5 })
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    const after = await fleet.live()
    expect({ ...after.spec, template: null }).toEqual({ ...before, template: null })
    expect(after.metadata.annotations?.[noteName]).toBeUndefined()
    expect(after.metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    await fleet.apply('3.0.0', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 4 } } })
    await fleet.reaches({ '2.0.0': 4, '3.0.0': 1 })
  })

  test('follows scaling: the observed position tells how many may really move', async () => {
    const fleet = await open({ replicas: 3 })
    await fleet.upgraded()
    await fleet.admit(1)
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
    await fleet.touch({ replicas: 5 })
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 3 })
    expect(await fleet.see()).toMatchObject({ wanted: 5, gate: { kind: 'admitting', upTo: 3 } })
  })

  test('goes back from a broken version by whom we take, and nobody else goes', async () => {
    const fleet = await open({ replicas: 3 })
    await fleet.upgraded('2.0.0-crash')
    await fleet.admit(1, 0, await ordinals(fleet, 2))
    const broken = await eventually(
      async () => (await fleet.see()).members.find(({ side }) => side === 'target'),
      (member) => member?.problem?.includes('CrashLoopBackOff') === true,
    )
    expect(broken).toMatchObject({ key: '2', ready: false })
    const untouched = uidsOf((await fleet.alive()).filter(({ metadata }) => metadata.name !== 'app-2'))
    await fleet.gate({ kind: 'halted' })
    expect((await fleet.see()).gate).toEqual({ kind: 'halted' })
    await fleet.apply('1.0.0')
    await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 }, broken === undefined ? [] : [broken.pod])
    await fleet.reaches({ '1.0.0': 3 }, 2)
    const end = await eventually(
      () => fleet.see(),
      ({ members }) => members.length === 3,
    )
    expect(end.members.every(({ side }) => side === 'previous')).toBe(true)
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    const now = uidsOf(await fleet.alive())
    expect(untouched.filter((uid) => !now.includes(uid))).toEqual([])
  })

  test('frozen, it holds through deleted pods of both versions', async () => {
    const fleet = await open({ replicas: 3 })
    await fleet.upgraded()
    await fleet.admit(1)
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
    await fleet.gate({ kind: 'frozen' })
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'frozen' })
    for (const name of ['app-2', 'app-0']) {
      const [pod] = (await fleet.alive()).filter(({ metadata }) => metadata.name === name)
      await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name })
      await eventually(
        () => fleet.alive(),
        (pods) => pods.length === 3 && pods.every(({ metadata }) => metadata.uid !== pod?.metadata.uid),
      )
      await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
    }
  })
})
