import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Execution, type RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet } from './support/fleet.ts'
import { expectNothingOfOurs, expectUnmarked, type OriginalFields, originalsOf } from './support/originals.ts'

// Executions that end before anything has moved, by a hook that fails before helm applies: the fleet is not mixed, so
// nothing is held, and the fields are what they were (SPEC section 5, "Freeze"; docs/adr/0016).

const kinds: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet']
/** How it ends. What is cancelled is so while the hook runs, and helm with it; a cancelled execution waits for helm. */
const endings = ['its hook fails', 'it is cancelled', 'it is cancelled at once', 'the server is killed'] as const
type EndingName = (typeof endings)[number]
const patience = { withinMs: 90_000 }

type Begun = {
  readonly fleet: Fleet
  readonly execution: UpgradeHandle
  readonly originals: OriginalFields
  readonly before: readonly string[]
}

let world: World
let component: RegisteredComponent
const begun = new Map<string, Begun>()

beforeAll(async () => {
  world = await openWorld({ LEASE_SECONDS: '3' })
  component = await registerFleet(world)
  await makePool(world, 3)
  // The killed ones come last: their helm runs while the server is killed.
  const beginAll = (names: readonly EndingName[]) =>
    Promise.all(
      kinds.flatMap((kind) => names.map(async (name) => begun.set(`${kind} ${name}`, await begin(kind, name)))),
    )
  await beginAll(endings.filter((name) => name !== 'the server is killed'))
  await beginAll(['the server is killed'])
  world = await world.restarted()
}, 240_000)
afterAll(() => world.close())

async function begin(kind: Kind, name: EndingName): Promise<Begun> {
  const fails = name === 'its hook fails'
  const hook = { hookOn: 'pre-upgrade', hookMs: fails ? 1 : 8_000, hookTag: 'fail' }
  const fleet = await Fleet.install(world, component, { kind, size: 3, values: { second: true, ...hook } })
  const [originals, before] = [await originalsOf(fleet), await fleet.uids()]
  const target = { kind: 'workload', releaseId: fleet.release.id, workload: { name: 'app' } }
  const execution = await fleet.started({ target, healthCheckTimeoutSeconds: 60 })
  if (fails) await execution.until('ended', hasEnded, patience)
  else await eventually('the hook runs', async () => (await fleet.pods('')).length > 0, patience)
  if (name === 'it is cancelled') await cancelled(execution)
  if (name === 'it is cancelled at once') await cancelled(execution, '?immediate=true')
  return { fleet, execution, originals, before }
}

async function cancelled(execution: UpgradeHandle, query = ''): Promise<void> {
  await execution.give('cancel', query)
  await execution.until('ended', hasEnded, patience)
}

function given(kind: Kind, name: EndingName): Begun {
  const found = begun.get(`${kind} ${name}`)
  if (found === undefined) throw new Error(`nothing was begun for ${kind} ${name}`)
  return { ...found, fleet: found.fleet.at(world), execution: new UpgradeHandle(world.api, found.execution) }
}

const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null

describe.concurrent.each(kinds)('a %s of which nothing has moved', (kind) => {
  test.each(endings)('has its own fields back: %s', async (name) => {
    const { fleet, execution, originals, before } = given(kind, name)
    const done = await execution.until('ended', hasEnded, patience)
    expect(done.status).toBe(name.startsWith('it is cancelled') ? 'CANCELLED' : 'FAILED')
    expect(await fleet.uids()).toEqual(before)
    await expectNothingOfOurs(fleet, originals)
    expectUnmarked(await fleet.workload('app-second', 'Deployment'))
    expect(await fleet.release.read()).toMatchObject({ executionId: null, frozen: null, chartVersion: '1.0.0' })
    ok(await fleet.release.upgrade({ chartVersion: '1.1.0', valuesOverride: { hookMs: null } }))
    await fleet.reaches({ '1.1.0': 3 })
    await expectNothingOfOurs(fleet, originals)
  })
})
