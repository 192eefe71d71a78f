import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type ClusterEndpoint, endRevision, type HelmFailure } from '../../../src/infra/helm/index.ts'
import {
  api,
  at,
  context,
  holding,
  killHelm,
  newNamespace,
  openWorld,
  readNewest,
  revisions,
  shop,
  testLease,
  type World,
} from './support.ts'

let world: World
let namespace: string
let chart: { bytes: Uint8Array }
const release = 'web'

beforeAll(async () => {
  world = await openWorld()
  chart = await shop()
})
afterAll(() => world.close())
beforeEach(async () => {
  namespace = await newNamespace(world.cluster, 'cut')
})

const target = (cluster: ClusterEndpoint = world.cluster) => ({ cluster, namespace, release, timeoutSeconds: 20 })
const deploy = (operationId: string, values = {}, cluster: ClusterEndpoint = world.cluster) => ({
  ...target(cluster),
  chart,
  values,
  operationId,
})
const now = () => revisions(world.cluster, namespace, release)
const word = async () =>
  at((await api(world.cluster, 'GET', `/api/v1/namespaces/${namespace}/configmaps/${release}`)).body, 'data', 'word')
const failureOf = (run: Promise<void>): Promise<HelmFailure> =>
  run.then(
    () => expect.unreachable(),
    (error) => error,
  )

/** Holds at a request for the release's ConfigMap, where helm has written its pending record. */
const atObjects = (verb: string) =>
  holding(world.cluster, (method, path) => method === verb && path.includes(`/configmaps/${release}`))

/** The same where the object is not there yet: 4 applies it by its name, 3.17 posts it to the collection. */
const atNewObjects = () =>
  world.binary.dialect === 'v4'
    ? atObjects('PATCH')
    : holding(
        world.cluster,
        (method, path) => method === 'POST' && path.includes(`/namespaces/${namespace}/configmaps`),
      )

/** Runs an act up to the held request, kills helm there and lets nothing more through. */
async function killAt(held: ReturnType<typeof atObjects>, run: Promise<void>): Promise<HelmFailure> {
  const failure = failureOf(run)
  await held.reached
  await killHelm(world.workspace.folder)
  return failure
}

async function settleNewest(): Promise<void> {
  const newest = await readNewest(world.cluster, namespace, release)
  if (newest === null) throw new Error('there is nothing to settle')
  const ending = { status: 'failed', description: 'interrupted: settled by a test' } as const
  expect(await endRevision(world.cluster, newest, ending, new Date())).toBe(true)
  expect(await endRevision(world.cluster, newest, ending, new Date())).toBe(false)
  const settled = await readNewest(world.cluster, namespace, release)
  expect(settled?.record.info).toMatchObject({ status: 'failed', description: 'interrupted: settled by a test' })
  expect(settled?.labels).toEqual(newest.labels)
}

test('an install: settled, then installed over itself as revision 2, with the hooks of an install', async () => {
  const held = atNewObjects()
  const failure = await killAt(held, world.helm.install(deploy('op-1', {}, held.cluster), context()))
  expect(failure).toMatchObject({ code: 'interrupted', changed: true })
  expect(await now()).toEqual(['1 pending-install'])
  await settleNewest()
  await world.helm.install({ ...deploy('op-1', { word: 'again' }), replace: true }, context())
  expect((await now()).at(-1)).toBe('2 deployed')
  expect(await word()).toBe('again')
  const hook = await api(world.cluster, 'GET', `/api/v1/namespaces/${namespace}/configmaps/${release}-ran`)
  expect(at(hook.body, 'data')).toEqual({ hook: 'install' })
})

test('an upgrade: refused while pending, works once settled', async () => {
  await world.helm.install(deploy('op-1', { word: 'one' }), context())
  const held = atObjects('PATCH')
  await killAt(held, world.helm.upgrade(deploy('op-2', { word: 'two' }, held.cluster), context()))
  expect(await now()).toEqual(['1 deployed', '2 pending-upgrade'])
  expect((await readNewest(world.cluster, namespace, release))?.labels).toEqual({
    'flotilla.dev/operation': 'op-2',
    'flotilla.dev/attempt': '0',
  })
  const refused = await failureOf(world.helm.upgrade(deploy('op-3'), context()))
  expect(refused).toMatchObject({ code: 'operation_in_progress', changed: false })
  await settleNewest()
  await world.helm.upgrade(deploy('op-2', { word: 'two' }), context())
  expect(await now()).toEqual(['1 superseded', '2 failed', '3 deployed'])
  expect(await word()).toBe('two')
})

test('a rollback', async () => {
  await world.helm.install(deploy('op-1', { word: 'one' }), context())
  await world.helm.upgrade(deploy('op-2', { word: 'two' }), context())
  const held = atObjects('PATCH')
  await killAt(held, world.helm.rollback({ ...target(held.cluster), revision: 1 }, context()))
  expect(await now()).toEqual(['1 superseded', '2 deployed', '3 pending-rollback'])
  await settleNewest()
  await world.helm.rollback({ ...target(), revision: 1 }, context())
  expect(await now()).toEqual(['1 superseded', '2 superseded', '3 failed', '4 deployed'])
  expect(await word()).toBe('one')
})

test('an uninstall: goes on where it stopped', async () => {
  await world.helm.install(deploy('op-1'), context())
  const held = atObjects('DELETE')
  await killAt(held, world.helm.uninstall(target(held.cluster), context()))
  expect(await now()).toEqual(['1 uninstalling'])
  await world.helm.uninstall(target(), context())
  expect(await now()).toEqual([])
  expect(await word()).toBeUndefined()
})

test('a lease that ran out: the late helm writes nothing, and one revision is deployed', async () => {
  await world.helm.install(deploy('op-1', { word: 'one' }), context())
  const lease = testLease()
  const held = atObjects('GET')
  const late = failureOf(world.helm.upgrade(deploy('op-2', { word: 'late' }, held.cluster), context({ lease })))
  await held.reached
  lease.expire()
  await settleNewest()
  await world.helm.upgrade(deploy('op-3', { word: 'three' }), context())
  held.go()
  expect(await late).toMatchObject({ code: 'interrupted', changed: true })
  expect(await now()).toEqual(['1 superseded', '2 failed', '3 deployed'])
  expect(await word()).toBe('three')
})

test('a lease that was lost ends helm', async () => {
  await world.helm.install(deploy('op-1', { word: 'one' }), context())
  const lease = testLease()
  const held = atObjects('PATCH')
  const late = failureOf(world.helm.upgrade(deploy('op-2', { word: 'late' }, held.cluster), context({ lease })))
  await held.reached
  lease.lose()
  expect(await late).toMatchObject({ code: 'interrupted', changed: true })
  held.go()
  expect(await word()).toBe('one')
})
