import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { approved, Fleet, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'
import { expectHelmGoesOn, expectNothingOfOurs, originalsOf } from './support/originals.ts'
import {
  neverAhead,
  neverBelow,
  neverMoreThanABatch,
  oneSideServes,
  type Promised,
  type Sample,
  sampled,
  untouchedStay,
} from './support/sampler.ts'

/*
 * Every size with every strategy, every kind with every size, every kind with every strategy that it supports. What is
 * promised is held against the cluster itself at every moment, see `support/sampler.ts`.
 */
type Strategy = 'ROLLING' | 'CANARY' | 'STAGED' | 'BLUE_GREEN' | 'RECREATE'
type Case = readonly [kind: Kind, size: number, strategy: Strategy, batchSize: number, percentage: number]
const cases: readonly Case[] = [
  ['StatefulSet', 50, 'STAGED', 13, 25],
  ['DaemonSet', 50, 'ROLLING', 20, 40],
  ['Deployment', 50, 'CANARY', 25, 25],
  ['Deployment', 50, 'BLUE_GREEN', 5, 25],
  ['StatefulSet', 50, 'RECREATE', 5, 25],
  ['Deployment', 10, 'ROLLING', 3, 25],
  ['StatefulSet', 10, 'CANARY', 5, 50],
  ['DaemonSet', 10, 'STAGED', 5, 30],
  ['Deployment', 10, 'BLUE_GREEN', 5, 25],
  ['DaemonSet', 10, 'RECREATE', 5, 25],
  ['StatefulSet', 2, 'ROLLING', 5, 25],
  ['DaemonSet', 2, 'CANARY', 5, 25],
  ['Deployment', 2, 'STAGED', 1, 25],
  ['Deployment', 2, 'BLUE_GREEN', 1, 25],
  ['Deployment', 2, 'RECREATE', 1, 25],
  ['Deployment', 1, 'ROLLING', 5, 25],
  ['DaemonSet', 1, 'CANARY', 5, 25],
  ['StatefulSet', 1, 'STAGED', 5, 25],
  ['Deployment', 1, 'BLUE_GREEN', 5, 25],
  ['DaemonSet', 1, 'RECREATE', 5, 25],
]

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  for (const size of [1, 2, 10, 50]) await makePool(world, size)
})
afterAll(() => world.close())

/** How many instances are promised to be ready (SPEC section 5, "Safety"). */
function leastReady(kind: Kind, size: number, strategy: Strategy, percentage: number): number {
  if (strategy === 'RECREATE') return 0
  return kind === 'Deployment' ? size : size - Math.max(1, Math.floor((size * percentage) / 100))
}

function promises([kind, size, strategy, batchSize, percentage]: Case, original: readonly string[]): Promised[] {
  const all = [
    neverAhead('1.1.0'),
    neverBelow(leastReady(kind, size, strategy, percentage)),
    untouchedStay(original, '1.0.0'),
  ]
  if (strategy === 'BLUE_GREEN') return [...all, oneSideServes('1.1.0')]
  return strategy === 'RECREATE' ? all : [...all, neverMoreThanABatch(batchSize, '1.1.0')]
}

/** Every version has one template, and nobody moved twice. */
function expectEachOnce(samples: readonly Pick<Sample, 'pods'>[], size: number): void {
  const pods = samples.flatMap((sample) => sample.pods)
  const hashes = new Set(pods.map(({ version, hash }) => `${version} ${hash}`))
  expect(new Set(pods.map(({ hash }) => hash)).size).toBe(hashes.size)
  const moved = new Set(pods.filter(({ version }) => version === '1.1.0').map(({ uid }) => uid))
  expect(moved.size).toBe(size)
}

describe.concurrent('as the cluster itself shows it', () => {
  test.each(cases)('%s of %i, %s', { timeout: 150_000 }, async (...each) => {
    const [kind, size, strategy, batchSize, maxUnavailablePercentage] = each
    const fleet = await Fleet.install(world, component, { kind, size })
    const original = await fleet.uids()
    const originals = await originalsOf(fleet)
    const watch = strategy === 'BLUE_GREEN' ? { healthCheckTimeoutSeconds: 6 } : { healthCheckTimeoutSeconds: 30 }
    const execution = await fleet.started({ strategy, batchSize, maxUnavailablePercentage, ...watch })
    const { result, samples, broken } = await sampled(fleet, execution, promises(each, original), approved(execution))
    expect(result).toMatchObject({ status: 'COMPLETED', progress: { total: size, completed: size } })
    expect(broken).toEqual([])
    const pods = await fleet.reaches({ '1.1.0': size })
    expect(versionsOf(pods)).toEqual({ '1.1.0': size })
    expectEachOnce([...samples, { pods }], size)
    expect((await fleet.endpoints()).toSorted()).toEqual(pods.map(({ uid }) => uid).toSorted())
    await expectNothingOfOurs(fleet, originals)
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', executionId: null })
    if (size === 2) await expectHelmGoesOn(fleet)
  })
})
