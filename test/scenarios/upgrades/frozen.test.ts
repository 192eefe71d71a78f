import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { Release } from '../support/releases.ts'
import type { RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet, type Versions, versionsOf } from './support/fleet.ts'
import { expectNothingOfOurs, expectUnmarked, type OriginalFields, originalsOf } from './support/originals.ts'

const mixed = { '1.0.0': 2, '1.1.0': 2 }
const patience = { withinMs: 50_000 }
/** How a freeze is ended: by the next execution, by the next upgrade, or by its own command. */
const names = ['an execution', 'an upgrade', 'unfreeze to previous', 'unfreeze to target'] as const
const kinds: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet']
const cases = kinds.flatMap((kind) => names.map((name) => [kind, name] as const))

type Frozen = {
  readonly fleet: Fleet
  readonly executionId: string
  readonly originals: OriginalFields
  /** What was seen of it after all that befell it. */
  readonly left: {
    readonly versions: Versions
    readonly second: Versions
    readonly release: Release
    readonly note: string | undefined
  }
}
type Batch = {
  readonly upgraded: readonly unknown[]
  readonly failed: readonly unknown[]
  readonly skipped: readonly { readonly release: Release; readonly reason: string }[]
}

const frozen = new Map<string, Frozen>()
/** A batch upgrade of their chart, before they were looked at again. */
let batch: Batch
let world: World
let component: RegisteredComponent

/** All fleets are cancelled half-way, lose pods, see the server and the cluster killed and started again, and a batch. */
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
  const made = await Promise.all(cases.map(async ([kind, name]) => [`${kind} ${name}`, await freeze(kind)] as const))
  await Promise.all(made.map(([, { fleet }]) => losePods(fleet)))
  const before = await Promise.all(made.map(([, { fleet }]) => fleet.uids()))
  world = await world.restarted()
  batch = ok(await world.api.post<Batch>('/helm/releases/chart/fleet/batch-upgrade?targetVersion=1.2.0', undefined))
  for (const [at, [name, each]] of made.entries()) {
    const fleet = each.fleet.at(world)
    await eventually(`${name} after the restart`, async () => expect(await fleet.uids()).toEqual(before[at]) ?? true)
    frozen.set(name, { ...each, fleet, left: await leftOf(fleet) })
  }
})
afterAll(() => world.close())

async function leftOf(fleet: Fleet): Promise<Frozen['left']> {
  const { metadata } = await fleet.workload()
  const versions = versionsOf(await fleet.pods())
  const second = versionsOf(await fleet.pods('app-second'))
  const release = await fleet.release.until('counts them all', countsMixed)
  return { versions, second, release, note: metadata.annotations?.['flotilla.dev/gate'] }
}

/** What was lost may not have been back when it was counted last. */
const countsMixed = ({ frozen }: Release): boolean => isDeepStrictEqual({ ...frozen?.versions }, mixed)

async function freeze(kind: Kind): Promise<Omit<Frozen, 'left'>> {
  const fleet = await Fleet.install(world, component, { kind, size: 4, values: { second: true } })
  const originals = await originalsOf(fleet)
  const half = { batchSize: 2, maxUnavailablePercentage: 50, batchDelaySeconds: 3_600, healthCheckTimeoutSeconds: 60 }
  const execution = await fleet.started({ ...half, target: targetOf(fleet) })
  await execution.until('half of it', ({ progress }) => progress.completed === 2, patience)
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  return { fleet, executionId: execution.id, originals }
}

const targetOf = ({ release }: Fleet) => ({ kind: 'workload', releaseId: release.id, workload: { name: 'app' } })

/** One of each version; of a DaemonSet one of the new, because nothing brings an old one back. */
async function losePods(fleet: Fleet): Promise<void> {
  const pods = await fleet.reaches(mixed)
  const lost = Object.keys(mixed).flatMap((version) => pods.find((pod) => pod.version === version) ?? [])
  for (const pod of fleet.kind === 'DaemonSet' ? lost.slice(1) : lost) await fleet.kill(pod)
  const gone = new Set(lost.slice(fleet.kind === 'DaemonSet' ? 1 : 0).map(({ uid }) => uid))
  await eventually('other pods', async () => (await fleet.pods()).every(({ uid }) => !gone.has(uid)))
  await fleet.reaches(mixed)
}

function given(kind: Kind, name: (typeof names)[number]): Frozen {
  const found = frozen.get(`${kind} ${name}`)
  if (found === undefined) throw new Error(`no fleet for ${kind} ${name}`)
  return found
}

test('a batch upgrade of the chart skips them all, and says why', () => {
  const { upgraded, failed, skipped } = batch
  expect({ upgraded, failed }).toEqual({ upgraded: [], failed: [] })
  expect(skipped.map(({ release }) => release.id).sort()).toEqual([...frozen.values()].map(idOf).sort())
  expect([...new Set(skipped.map(({ reason }) => reason))]).toEqual(['it is frozen after an upgrade execution'])
})

const idOf = ({ fleet }: Frozen): string => fleet.release.id

describe.concurrent.each(kinds)('a %s that was cancelled half-way', (kind) => {
  test('is as it was left, and its release says so', () => {
    for (const name of names) {
      const { executionId, left } = given(kind, name)
      expect(left.versions).toEqual(mixed)
      expect(left.second).toEqual({ '1.0.0': 2 })
      expect(left.release).toMatchObject({
        status: 'FAILED',
        chartVersion: '1.0.0',
        attemptedChartVersion: '1.1.0',
        executionId: null,
        frozen: { executionId, versions: mixed },
      })
      expect(left.note).toContain(executionId)
    }
  })

  test('is taken over by the next execution, which moves only what is left', async () => {
    const { fleet, originals } = given(kind, 'an execution')
    const done = (await fleet.pods()).filter(({ version }) => version === '1.1.0').map(({ uid }) => uid)
    const wanted = { batchSize: 1, healthCheckTimeoutSeconds: 30, target: targetOf(fleet) }
    const execution = await fleet.started(wanted)
    expect(await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)).toMatchObject({
      status: 'COMPLETED',
      statusReason: null,
    })
    await fleet.reaches({ '1.1.0': 2 }, 'app-second')
    expectUnmarked(await fleet.workload('app-second', 'Deployment'))
    expect((await fleet.reaches({ '1.1.0': 4 })).map(({ uid }) => uid)).toEqual(expect.arrayContaining(done))
    await expectNothingOfOurs(fleet, originals)
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', frozen: null })
  })

  test('is taken over by the next upgrade', async () => {
    const { fleet, originals } = given(kind, 'an upgrade')
    ok(await fleet.release.upgrade({ chartVersion: '1.2.0' }))
    await fleet.reaches({ '1.2.0': 4 })
    await fleet.reaches({ '1.2.0': 2 }, 'app-second')
    expectUnmarked(await fleet.workload('app-second', 'Deployment'))
    await expectNothingOfOurs(fleet, originals)
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.2.0', frozen: null })
  })

  test.each([
    ['previous', '1.0.0'],
    ['target', '1.1.0'],
  ] as const)('is unfrozen to the %s version', async (to, version) => {
    const { fleet, originals } = given(kind, `unfreeze to ${to}`)
    const stays = (await fleet.pods()).filter((pod) => pod.version === version).map(({ uid }) => uid)
    ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${to}`, undefined))
    expect((await fleet.reaches({ [version]: 4 })).map(({ uid }) => uid)).toEqual(expect.arrayContaining(stays))
    await fleet.reaches({ [version]: 2 }, 'app-second')
    expectUnmarked(await fleet.workload('app-second', 'Deployment'))
    await expectNothingOfOurs(fleet, originals)
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: version, frozen: null })
  })
})
