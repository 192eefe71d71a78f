import { afterAll, beforeAll, expect, test } from 'vitest'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { OperationHandle, ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

// The server is killed while hooks of its helm run; the cluster stays, and another hand acts before the server is back.

let cluster: TestCluster
let world: World
beforeAll(async () => {
  cluster = await practiceCluster()
  world = await openWorld({ KUBECONFIG: cluster.kubeconfig, LEASE_SECONDS: '3' })
})
afterAll(async () => {
  await world.close()
  await cluster.stop()
})

const overtaken = { status: 'FAILED', error: { code: 'changed_by_another_hand' } }

test('what another hand did while the server was away is what holds', async () => {
  const places = { back: world.place(), gone: world.place(), kept: world.place() }
  const begun = async (place: keyof typeof places) => {
    const release = await places[place].installed({ chartName: 'hooked' })
    const change = { chartVersion: '1.1.0', valuesOverride: { color: 'ours', hook: heldHook } }
    const operation = await release.begin('POST', '/upgrade', change)
    await eventually('its hook waits', async () => {
      return (await world.cluster.newest(places[place].namespace, 'app')).info.status === 'pending-upgrade'
    })
    return { release, operation }
  }
  const [back, gone, kept] = await Promise.all([begun('back'), begun('gone'), begun('kept')])
  const before = world
  world = await world.restarted(async () => {
    const inside = (place: keyof typeof places) => ['--namespace', places[place].namespace] as const
    await before.hand.helm('rollback', 'app', '1', ...inside('back'))
    await before.hand.helm('uninstall', 'app', ...inside('gone'))
    await before.hand.helm('uninstall', 'app', '--keep-history', ...inside('kept'))
  })
  const again = ({ release, operation }: Awaited<ReturnType<typeof begun>>) => ({
    release: new ReleaseHandle(world.api, { ...release, releaseName: release.name }),
    operation: new OperationHandle(world.api, operation.id),
  })
  const statuses = async (place: keyof typeof places) =>
    (await world.cluster.records(places[place].namespace, 'app')).map(
      ({ version, info }) => `${version} ${info.status}`,
    )

  expect(await again(back).operation.ended()).toMatchObject(overtaken)
  expect(await again(back).release.untilStatus('DEPLOYED')).toMatchObject({ revision: 3, performedBy: 'external' })
  expect(await again(back).release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  expect(await statuses('back')).toEqual(['1 superseded', '2 failed', '3 deployed'])
  expect(await world.cluster.config(places.back.namespace, 'app')).toEqual({ version: '1.0.0', color: 'red' })

  expect(await again(gone).operation.ended()).toMatchObject({ status: 'FAILED' })
  await again(gone).release.untilStatus('UNINSTALLED')
  expect(await statuses('gone')).toEqual([])
  expect(await world.cluster.config(places.gone.namespace, 'app')).toBeNull()

  expect(await again(kept).operation.ended()).toMatchObject({ status: 'FAILED' })
  await again(kept).release.untilStatus('UNINSTALLED')
  expect((await statuses('kept')).at(-1)).toBe('2 uninstalled')
  expect(await world.cluster.config(places.kept.namespace, 'app')).toBeNull()
})
