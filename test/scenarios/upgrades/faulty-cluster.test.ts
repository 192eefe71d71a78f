import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { chanceOfRun } from '../../support/chance.ts'
import { someFaults } from '../../support/faulty-api-server.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultyWorld, openFaultyWorld } from '../support/faulty-world.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { approved, Fleet, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'
import { expectNothingOfOurs, originalsOf } from './support/originals.ts'

let opened: FaultyWorld
let component: RegisteredComponent
beforeAll(async () => {
  opened = await openFaultyWorld()
  component = await registerFleet(opened.world)
  await makePool(opened.world, 3)
})
afterEach(() => opened.server.faults(() => null))
afterAll(() => opened?.close())

const cases: readonly (readonly [Kind, string])[] = [
  ['Deployment', 'ROLLING'],
  ['Deployment', 'BLUE_GREEN'],
  ['StatefulSet', 'CANARY'],
  ['DaemonSet', 'STAGED'],
]

/** An execution on a fleet of each kind, on its way with all its faults from the given moment on; each as it ended. */
async function endedUnderFaults(fleets: readonly Fleet[], from: 'start' | 'instances'): Promise<readonly Execution[]> {
  const executions = await Promise.all(
    fleets.map((fleet, n) => fleet.initiated({ strategy: cases[n]?.[1], healthCheckTimeoutSeconds: 60, batchSize: 2 })),
  )
  const begin = async () => {
    for (const execution of executions) await execution.give('start')
    for (const execution of executions) await execution.until('instances move', hasBegun, { withinMs: 60_000 })
  }
  if (from === 'instances') await begin()
  opened.server.faults(someFaults(1 / 20, chanceOfRun()))
  const startIn = (execution: UpgradeHandle) =>
    eventually('it is started', async () => (await execution.send('start')).status !== 503)
  if (from === 'start') await Promise.all(executions.map(startIn))
  const ended = await Promise.all(executions.map((execution) => approved(execution, 240_000)))
  opened.server.faults(() => null)
  return ended
}

const hasBegun = ({ instances }: Execution) => instances.some(({ status }) => status !== 'PENDING')

test.each(['start', 'instances'] as const)(
  'one request in twenty is answered badly, from its %s on: every execution ends, and what is said of its fleet is true',
  // BLUE_GREEN alone watches for a minute, and every request may be asked more than once.
  { timeout: 300_000 },
  async (from) => {
    const fleets = await Promise.all(cases.map(([kind]) => Fleet.install(opened.world, component, { kind, size: 3 })))
    const originals = await Promise.all(fleets.map(originalsOf))
    const ended = await endedUnderFaults(fleets, from)
    for (const [n, fleet] of fleets.entries()) await expectTrue(fleet, ended[n] as Execution, originals[n] as never)
  },
)

/**
 * All pods are healthy: what the API server does wrong is no failure of an instance, and none tells of it. What is in flight
 * when the execution ends is FAILED with just that reason, and counts for nothing.
 */
function expectNobodyBlamed({ instances, rollbackInfo }: Execution): void {
  expect(rollbackInfo).toMatchObject({ currentFailures: 0, rolledBackInstances: [] })
  const messages = (of: readonly { readonly message: string | null }[]) => of.flatMap(({ message }) => message ?? [])
  const failed = instances.filter(({ status }) => status === 'FAILED')
  const left = /^left in the middle: the execution ended first($|; its version is not known: )/
  expect(messages(failed)).toEqual(failed.map(() => expect.stringMatching(left)))
  expect(messages(instances).filter((message) => /API server|429|500|503/.test(message))).toEqual([])
}

/** COMPLETED on the new version with nothing left of ours, or FAILED with a fleet that the next upgrade takes over. */
async function expectTrue(fleet: Fleet, ended: Execution, before: Awaited<ReturnType<typeof originalsOf>>) {
  const { status } = ended
  expect(['COMPLETED', 'FAILED']).toContain(status)
  expectNobodyBlamed(ended)
  if (status === 'FAILED') ok(await fleet.release.upgrade({ chartVersion: '1.1.0' }))
  expect(versionsOf(await fleet.reaches({ '1.1.0': 3 }))).toEqual({ '1.1.0': 3 })
  await expectNothingOfOurs(fleet, before)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', frozen: null })
}
