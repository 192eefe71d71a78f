import { expect, test } from 'vitest'
import { resources } from '../../infra/kubernetes/index.ts'
import type { FleetParts } from './fleet/context.ts'
import { outageIn, readTraffic } from './frozen-traffic.ts'
import { HASH } from './services/select.ts'

const outage = (service: string, to: string | null) =>
  ({ kind: 'outage', service, to, detail: `Service ${service} is pinned to nobody` }) as const

test('one that can be moved comes before one that cannot, wherever it stands', () => {
  const stuck = outage('api', null)
  expect(outageIn([stuck, outage('web', '1.0.0')])).toMatchObject({ service: 'web', to: '1.0.0' })
  expect(outageIn([stuck])).toEqual(stuck)
  expect(outageIn([])).toBeNull()
})

test('all of them are told', () => {
  expect(outageIn([outage('api', null), outage('web', null), outage('web', null)])?.detail).toBe(
    'Service api is pinned to nobody; Service web is pinned to nobody',
  )
})

test('of versions with one template the one that the record names is told, as where pods are counted', async () => {
  const service = { metadata: { name: 'web', uid: 'web' }, spec: { selector: { app: 'web', [HASH]: 'old' } } }
  const row = {
    ...{ kind: 'Deployment', name: 'app', originals: { services: [{ name: 'web', uid: 'web', hash: null }] } },
    state: { previous: 'old', hashes: { '1.0.0': 'old', '1.1.0': 'new', '1.2.0': 'old' } },
  }
  const find = async (resource: unknown) => (resource === resources.services ? service : null)
  const parts = { gates: { ofRelease: async () => [row] }, clientOf: () => ({ find }) } as unknown as FleetParts
  const read = (versions: Record<string, number>) => {
    const frozen = { executionId: 'one', versions }
    return readTraffic(parts, { id: 'release', clusterId: 'cluster', namespace: 'shop', frozen })
  }
  expect(await read({ '1.1.0': 1, '1.2.0': 1 })).toMatchObject({ detail: expect.stringContaining('pinned to 1.2.0,') })
  expect(await read({ '1.0.0': 1, '1.1.0': 1 })).toMatchObject({ detail: expect.stringContaining('pinned to 1.0.0,') })
})
