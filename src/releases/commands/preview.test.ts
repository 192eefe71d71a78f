import { expect, test } from 'vitest'
import { AccessRefused, ClusterError, ManifestError } from '../../infra/kubernetes/index.ts'
import type { ReleaseDeps } from '../deps.ts'
import { conflictsOf } from './preview.ts'

const ask = (error: unknown) => {
  const cluster = { conflicts: () => Promise.reject(error) }
  const deps = { ports: { clusters: { of: () => cluster } } } as unknown as Pick<ReleaseDeps, 'ports'>
  return conflictsOf(deps, { clusterId: 'c', namespace: 'n', tenantId: 't' }, '')
}

test('a cluster that gives no answer is told from a manifest that is none and from a fault of ours', async () => {
  const away = new ClusterError({ status: 0, reason: 'Unreachable', message: 'connect ECONNREFUSED' })
  await expect(ask(away)).rejects.toMatchObject({ code: 'cluster_unavailable', message: 'the cluster does not answer' })
  const unreadable = new ManifestError('document 1 has no apiVersion, kind or name')
  await expect(ask(unreadable)).rejects.toMatchObject({ code: 'chart_render_failed', message: unreadable.message })
  await expect(ask(new AccessRefused('no rights'))).rejects.toMatchObject({ code: 'not_permitted' })
  await expect(ask(new TypeError('a fault'))).rejects.toThrow(TypeError)
})
