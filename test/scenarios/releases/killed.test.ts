import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { ok } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { type Evidence, failure, OperationHandle, ReleaseHandle } from '../support/releases.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

// Operations whose helm runs a hook, the server is killed with kill -9 and started again. The cluster stays. SPEC section 3,
// "Recovery", and DESIGN.md, the table of acts and crashes.

type Begun = {
  readonly place: Place
  readonly release: ReleaseHandle
  readonly operation: OperationHandle
  readonly hook: string
}

let cluster: TestCluster
let world: World
const begun = new Map<string, Begun>()
beforeAll(async () => {
  cluster = await practiceCluster()
  world = await openWorld({ KUBECONFIG: cluster.kubeconfig, LEASE_SECONDS: '3' })
  const all = Object.entries(beginnings).map(async ([name, begin]) => [name, await begin()] as const)
  for (const [name, each] of await Promise.all(all)) begun.set(name, each)
  world = await world.restarted()
})
afterAll(async () => {
  await world.close()
  await cluster.stop()
})

const held = (events: string) => ({ hook: { ...heldHook, events } })
const hooked = (valuesOverride: object) => ({ chartName: 'hooked', valuesOverride })

/** The UID of the hook's Job that runs: another one is another run of it. */
function hookOf({ namespace }: { readonly namespace: string }, besides = ''): Promise<string> {
  return eventually('the hook runs', async () => {
    const job = await world.cluster.client.find(resources.jobs, { namespace, name: 'app-hook' })
    const uid = job?.metadata.deletionTimestamp === undefined ? job?.metadata.uid : undefined
    return uid === besides ? null : uid
  })
}

async function inHook(release: ReleaseHandle, operation: OperationHandle, place: Place): Promise<Begun> {
  return { place, release, operation, hook: await hookOf(release) }
}

const beginnings = {
  async install() {
    const place = world.place()
    const { release, operation } = await place.installing(hooked({ color: 'blue', ...held('pre-install') }))
    return inHook(release, operation, place)
  },
  async upgrade() {
    const place = world.place()
    const release = await place.installed(hooked({ hook: { events: 'post-upgrade' } }))
    const change = { valuesOverride: { color: 'blue', ...held('pre-upgrade') } }
    return inHook(release, await release.begin('POST', '/upgrade', change), place)
  },
  async 'atomic upgrade'() {
    const place = world.place()
    const release = await place.installed(hooked({ parts: ['old'], hook: { events: 'post-install' } }))
    const change = { valuesOverride: { parts: ['new'], ...held('pre-upgrade') }, atomic: true }
    return inHook(release, await release.begin('POST', '/upgrade', change), place)
  },
  async rollback() {
    const place = world.place()
    const release = await place.installed(hooked({ color: 'red', ...held('pre-rollback') }))
    ok(await release.upgrade({ valuesOverride: { color: 'blue', parts: ['new'] } }))
    return inHook(release, await release.begin('POST', '/rollback', { targetRevision: 1 }), place)
  },
  /** Killed in the second attempt, which an object that revision 2 lacks has made necessary. */
  async 'repeated rollback'() {
    const place = world.place()
    const release = await place.installed(hooked({ parts: ['old'], ...held('pre-rollback') }))
    const failing = { hook: { name: 'failing', events: 'pre-upgrade', tag: 'fail', runMs: 100 } }
    failure(await release.upgrade({ valuesOverride: { parts: ['new'], ...failing } }), 'hook_failed')
    const operation = await release.begin('POST', '/rollback', { targetRevision: 1 })
    const first = await hookOf(release)
    await world.cluster.endHook(place.namespace)
    return { place, release, operation, hook: await hookOf(release, first) }
  },
  async uninstall() {
    const place = world.place()
    const release = await place.installed(hooked(held('pre-delete')))
    return inHook(release, await release.begin('DELETE', ''), place)
  },
} as const satisfies Record<string, () => Promise<Begun>>

/** The same, asked for of the server that was started again. */
function given(name: keyof typeof beginnings): Begun {
  const known = begun.get(name)
  if (known === undefined) throw new Error(`nothing was begun for ${name}`)
  const { place, release, operation, hook } = known
  const again = new ReleaseHandle(world.api, { ...release, releaseName: release.name })
  return { place: place.at(world.api), release: again, operation: new OperationHandle(world.api, operation.id), hook }
}

/** The hook runs once more, and is let to its end this time. */
async function runsAgain({ place, hook }: Begun): Promise<void> {
  expect(await hookOf(place, hook)).not.toBe(hook)
  await world.cluster.endHook(place.namespace)
}

/** The hook that helm was at is named, with its Job and its pod. */
function expectHook(error: { readonly detail: string; readonly evidence?: unknown } | null): void {
  expect(error?.detail).toContain('the hook Job app-hook (pre-upgrade) had not ended')
  const { pods } = (error?.evidence ?? {}) as Partial<Evidence>
  expect(pods?.workloads.map(({ object }) => object)).toEqual(['Job app-hook'])
  expect(pods?.pods.map(({ phase }) => phase)).toEqual(['Running'])
  expect(pods?.pods[0]?.containers).toHaveLength(1)
}

const part = ({ place }: Begun, name: string) => world.cluster.config(place.namespace, `app-${name}`)

test.concurrent('an install is settled and installed again as revision 2, with the hooks of an install', async () => {
  const one = given('install')
  await runsAgain(one)
  expect(await one.operation.ended()).toMatchObject({ status: 'SUCCEEDED', error: null })
  expect(await one.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 2 })
  expect(await one.release.verdicts()).toEqual(['2 DEPLOYED', '1 FAILED'])
  const [second, first] = await one.release.history()
  expect(first).toMatchObject({ description: 'interrupted; settled by Flotilla', current: false })
  expect(second).toMatchObject({ description: 'Install complete', current: true })
  expect(await world.cluster.config(one.place.namespace, 'app')).toMatchObject({ color: 'blue' })
  ok(await one.release.upgrade({ valuesOverride: { color: 'green' } }))
  expect(await one.release.verdicts()).toEqual(['3 DEPLOYED', '2 DEPLOYED', '1 FAILED'])
})

test.concurrent('an upgrade of a chart with hooks is not run twice: it is FAILED and says so', async () => {
  const one = given('upgrade')
  const ended = await one.operation.ended()
  expect(ended).toMatchObject({ status: 'FAILED', error: { code: 'interrupted' } })
  expectHook(ended.error)
  expect(await one.release.read()).toMatchObject({
    status: 'FAILED',
    revision: 2,
    valuesOverride: { hook: { events: 'post-upgrade' } },
  })
  expect(await one.release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expect((await one.release.history())[0]).toMatchObject({ description: 'interrupted; settled by Flotilla' })
  expect((await world.cluster.newest(one.place.namespace, 'app')).info.status).toBe('failed')
  expect(await hookOf(one.place)).toBe(one.hook)
  ok(await one.release.upgrade({ valuesOverride: { color: 'green' } }))
  expect(await one.release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

test.concurrent('an atomic one is rolled back, over what it had not dropped yet', async () => {
  const one = given('atomic upgrade')
  const { status, error } = await one.operation.ended()
  expect({ status, code: error?.code }).toEqual({ status: 'FAILED', code: 'rolled_back' })
  expectHook(error)
  expect(await one.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 4 })
  expect(await one.release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 FAILED', '1 DEPLOYED'])
  expect([await part(one, 'old'), await part(one, 'new')]).toEqual([{ color: 'red' }, null])
})

test.concurrent('a rollback is run again, and nothing of the abandoned revision stays', async () => {
  const one = given('rollback')
  await runsAgain(one)
  expect(await one.operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await one.release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 DEPLOYED', '1 DEPLOYED'])
  expect(await world.cluster.config(one.place.namespace, 'app')).toMatchObject({ color: 'red' })
  expect(await part(one, 'new')).toBeNull()
})

test.concurrent('so is one that was being repeated', async () => {
  const one = given('repeated rollback')
  await runsAgain(one)
  expect(await one.operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await one.release.verdicts()).toEqual(['5 DEPLOYED', '4 FAILED', '3 FAILED', '2 FAILED', '1 DEPLOYED'])
  expect([await part(one, 'old'), await part(one, 'new')]).toEqual([{ color: 'red' }, null])
})

test.concurrent('an uninstall is run again', async () => {
  const one = given('uninstall')
  await runsAgain(one)
  expect(await one.operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await one.release.read()).toMatchObject({ status: 'UNINSTALLED', leftovers: [] })
  expect(await world.cluster.records(one.place.namespace, 'app')).toEqual([])
  expect(await world.cluster.config(one.place.namespace, 'app')).toBeNull()
})
