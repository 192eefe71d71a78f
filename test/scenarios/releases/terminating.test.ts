import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Resource, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** A namespace that is being deleted, until what is held in it is let go. */
async function deleteNamespace({ namespace }: Place): Promise<void> {
  await world.cluster.client.delete(resources.namespaces, { name: namespace })
}

/** What keeps a namespace from being gone: this object, or the first of its kind. */
async function hold(resource: Resource, { namespace }: Place, named?: string) {
  const { items } = await world.cluster.client.list(resource, { namespace })
  const at = { namespace, name: named ?? items[0]?.metadata.name ?? '' }
  const patch = (finalizers: readonly string[] | null) =>
    world.cluster.client.patch(resource, at, { type: 'merge', body: { metadata: { finalizers } } })
  await patch(['flotilla.test/held'])
  return { letGo: () => patch(null) }
}

const isGoing = (place: Place) => expect.stringContaining(`the namespace "${place.namespace}" is being deleted`)

test.concurrent('an install into a namespace that is being deleted says so, and not that its rights are gone', async () => {
  const place = world.place()
  const release = await place.installed()
  await world.cluster.client.create(resources.configMaps, { metadata: { name: 'held', namespace: place.namespace } })
  const config = await hold(resources.configMaps, place, 'held')
  await deleteNamespace(place)
  await release.untilStatus('UNINSTALLED')
  // With rights that were looked at before, and again after they were doubted.
  for (const releaseName of ['next', 'again']) {
    const refused = problem(await place.install({ releaseName }), 422, 'refused')
    expect(refused.detail).toEqual(isGoing(place))
  }
  await config.letGo()
})

test.concurrent('so do an upgrade and a rollback while its pods go, and nothing of the release has changed', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  const pod = await hold(resources.pods, place)
  await deleteNamespace(place)
  const upgrade = problem(await release.upgrade({ chartVersion: '1.2.0' }), 422, 'refused')
  expect(upgrade.detail).toEqual(isGoing(place))
  const rollback = problem(await release.rollback(1), 422, 'refused')
  expect(rollback.detail).toEqual(isGoing(place))
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', revision: 2 })
  await pod.letGo()
  await release.untilStatus('UNINSTALLED')
})

test.concurrent('what waits for workloads in it says why they do not come', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  const operation = await release.begin('POST', '/upgrade', {
    valuesOverride: { image: { tag: 'never-ready' } },
    timeout: 600,
  })
  const waits = await release.until('waits', ({ waitingFor }) => waitingFor?.reason === 'WORKLOADS_NOT_READY')
  expect(waits.waitingFor?.detail ?? '').not.toContain('is being deleted')
  const pod = await hold(resources.pods, place)
  await deleteNamespace(place)
  await release.until('told', ({ waitingFor }) => waitingFor?.detail?.includes('namespace') === true)
  expect((await release.read()).waitingFor).toMatchObject({ reason: 'WORKLOADS_NOT_READY', detail: isGoing(place) })
  await pod.letGo()
  expect(await operation.ended()).toMatchObject({ status: 'FAILED' })
})
