import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Api, ok, problem } from '../support/api.ts'
import { ClusterView } from '../support/cluster-view.ts'
import { removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import { Place } from '../support/world.ts'

const chart = { chartName: 'matih-query-engine', valuesOverride: { replicaCount: 1 } }

test('cancelling what is QUEUED changes nothing', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-scenario-'))
  const everything = await startFlotilla({ home })
  const place = new Place(new Api(everything.url, everything.adminKey))
  const { id } = await place.installed(chart)
  await everything.stop()

  // Nobody works here: what is accepted stays QUEUED.
  const idle = await startFlotilla({ home, args: ['serve', '--role', 'api', '--no-sample'] })
  const cluster = new ClusterView(idle.kubeconfig)
  try {
    const there = place.at(new Api(idle.url, idle.adminKey))
    const release = await there.handleOf(id)
    const before = await release.read()
    const upgrade = await release.begin('POST', '/upgrade', { chartVersion: '1.1.0' })
    const detail = expect.stringContaining('no worker has begun it')
    expect(await upgrade.read()).toMatchObject({ status: 'QUEUED', waitingFor: { until: null, detail } })
    expect(await release.read()).toMatchObject({ status: 'PENDING_UPGRADE', attemptedChartVersion: '1.1.0' })
    const second = problem(await release.upgrade({ chartVersion: '1.2.0' }), 409, 'operation_in_progress')
    expect(second.operationId).toBe(upgrade.id)
    const others = [
      () => release.begin('POST', '/upgrade', { valuesOverride: { replicaCount: 2 } }),
      () => release.begin('DELETE', ''),
    ]
    for (const begin of [() => upgrade, ...others]) {
      const operation = await begin()
      expect(ok(await operation.cancel(), 202)).toMatchObject({ status: 'CANCELLED' })
      problem(await operation.cancel(), 409, 'not_cancellable')
      expect(await release.read()).toEqual({ ...before, updatedAt: expect.any(String) })
    }
    const install = await there.installing({ ...chart, releaseName: 'never' })
    expect(ok(await install.operation.cancel(), 202)).toMatchObject({ status: 'CANCELLED' })
    expect(await install.release.read()).toMatchObject({ status: 'UNINSTALLED', revision: 0 })
    expect(await there.list()).toMatchObject([{ id }])
    expect(await cluster.records(place.namespace, 'app')).toHaveLength(1)
    expect(await cluster.records(place.namespace, 'never')).toEqual([])
  } finally {
    await cluster.close()
    await removeFlotilla(idle)
  }
})
