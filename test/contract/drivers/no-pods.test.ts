import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { workloadKinds } from '../../../src/upgrades/core/model.ts'
import { eventually } from '../../support/cluster.ts'
import { TestFleet } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

type Quota = KubeObject & { readonly status?: { readonly hard?: { readonly pods?: string } } }

async function quota({ client, namespace }: TestFleet, pods: string): Promise<void> {
  const metadata = { name: 'limits', namespace }
  const body = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods } } }
  await client.patch(resources.resourceQuotas, metadata, { type: 'apply', body, fieldManager: 'tester', force: true })
  await eventually(
    () => client.get<Quota>(resources.resourceQuotas, metadata),
    ({ status }) => status?.hard?.pods === pods,
  )
}

test.each(workloadKinds)('a %s tells why its controller makes no pod, and no longer once it does', async (kind) => {
  const fleet = await TestFleet.open(world, kind, { replicas: 2 })
  expect((await fleet.see()).whyNoPods).toBeNull()
  await quota(fleet, '0')
  const [pod] = await fleet.alive()
  await fleet.client.delete(resources.pods, { namespace: fleet.namespace, name: pod?.metadata.name ?? '' })
  const { whyNoPods } = await eventually(
    () => fleet.see(),
    (sight) => sight.whyNoPods !== null,
  )
  expect(whyNoPods).toMatch(/^pods "app-[^"]*" is forbidden: exceeded quota: limits, requested: pods=1, used: pods=/)
  await quota(fleet, '50')
  const back = await eventually(
    () => fleet.see(),
    (sight) => sight.whyNoPods === null && sight.members.filter(({ ready }) => ready).length === sight.wanted,
  )
  expect(back.whyNoPods).toBeNull()
})
