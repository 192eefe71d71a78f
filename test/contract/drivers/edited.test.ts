import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Member } from '../../../src/upgrades/core/model.ts'
import { gateKinds } from '../../../src/upgrades/drivers/fleet/context.ts'
import { hashIn } from '../../../src/upgrades/drivers/fleet/members.ts'
import type { GateRow } from '../../../src/upgrades/store/gate-row.ts'
import { TestFleet, versionOf } from './support/fleet.ts'
import { World } from './support/world.ts'

// Another hand changes the pod template while a gate holds it (docs/adr/0061): it is of no side, whenever that happens.

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const kinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const
type Kind = (typeof kinds)[number]

/** Helm has applied the target version beneath the gate, and that was seen. */
async function applied(kind: Kind): Promise<TestFleet> {
  const fleet = await TestFleet.open(world, kind, { replicas: 3 })
  await fleet.upgraded()
  const { podTemplate = null } = await fleet.see()
  fleet.execution = { ...fleet.execution, applied: podTemplate }
  return fleet
}

/** `kubectl set image`. */
const setImage = (fleet: TestFleet, version: string) =>
  fleet.touch({
    template: {
      spec: {
        containers: [{ name: 'main', image: `registry.invalid/app:${version}`, ports: [{ containerPort: 8080 }] }],
      },
    },
  })

const sides = (members: readonly Member[]) =>
  members
    .filter(({ terminating }) => !terminating)
    .map(({ side }) => side)
    .sort()

async function rowOf({ execution }: TestFleet): Promise<GateRow | undefined> {
  return (await world.gates.ofExecution(world.database.db, execution.id))[0]
}

describe.each(kinds)('of a %s', (kind) => {
  test('before its gate has opened it is told as of no version, and never becomes the target', async () => {
    const fleet = await applied(kind)
    await setImage(fleet, '9.9.9')
    const seen = await fleet.see()
    expect(seen.podTemplate?.mark).not.toBe(fleet.execution.applied?.mark)
    const size = (await fleet.alive()).length
    await fleet.admit(1, 0, await fleet.podsOf('1.0.0').then((pods) => pods.slice(-1)))
    await fleet.reaches({ '1.0.0': size - 1, '9.9.9': 1 })
    const { members, template } = await fleet.see()
    expect([sides(members), template]).toEqual([['other', ...Array(size - 1).fill('previous')], 'other'])
    await fleet.gate({ kind: 'frozen' })
    const [foreign] = (await fleet.alive()).filter((pod) => versionOf(pod) === '9.9.9')
    const hash = foreign === undefined ? undefined : hashIn(gateKinds[kind], foreign)
    expect(hash).toBeDefined()
    expect((await rowOf(fleet))?.state.hashes['2.0.0']).not.toBe(hash)
    expect((await fleet.see()).members.filter(({ side }) => side === 'target')).toEqual([])
  })

  test('put back it is the target version again', async () => {
    const fleet = await applied(kind)
    await setImage(fleet, '9.9.9')
    await setImage(fleet, '2.0.0')
    expect((await fleet.see()).podTemplate?.mark).toBe(fleet.execution.applied?.mark)
    const size = (await fleet.alive()).length
    await fleet.admit(1, 0, await fleet.podsOf('1.0.0').then((pods) => pods.slice(-1)))
    await fleet.reaches({ '1.0.0': size - 1, '2.0.0': 1 })
    expect(sides((await fleet.see()).members)).toEqual([...Array(size - 1).fill('previous'), 'target'])
  })
})

describe('a green set, whose gate is set once', () => {
  /** The green set is there, and its hash was seen. */
  async function green(): Promise<TestFleet> {
    const fleet = await applied('Deployment')
    fleet.execution = { ...fleet.execution, spec: { ...fleet.execution.spec, strategy: 'BLUE_GREEN' } }
    await fleet.admit(0, 3)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 3 })
    const { podTemplate } = await fleet.see()
    const { applied: known } = fleet.execution
    fleet.execution = { ...fleet.execution, applied: known ? { ...known, hash: podTemplate?.hash ?? null } : null }
    return fleet
  }

  test("stays the target version: another hand's set beside it is none", async () => {
    const fleet = await green()
    const greens = await fleet.podsOf('2.0.0')
    await fleet.admit(0, 0)
    await setImage(fleet, '9.9.9')
    const { members, template } = await fleet.see()
    expect(
      members
        .filter(({ side }) => side === 'target')
        .map(({ pod }) => pod.uid)
        .sort(),
    ).toEqual(greens.map(({ uid }) => uid).sort())
    expect(template).toBe('other')
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '9.9.9': 3 })
    expect(sides((await fleet.see()).members)).toEqual(['other', 'other', 'other'])
  })

  test('frozen its hash is that of the version, whatever the template says', async () => {
    const fleet = await green()
    const { applied: known } = fleet.execution
    await setImage(fleet, '9.9.9')
    await fleet.gate({ kind: 'frozen' })
    expect((await rowOf(fleet))?.state.hashes['2.0.0']).toBe(known?.hash)
  })
})
