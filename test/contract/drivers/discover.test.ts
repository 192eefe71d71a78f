import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../src/infra/clock.ts'
import { createDiscovery, type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { readBackups } from '../../../src/upgrades/drivers/backups.ts'
import { type DiscoveryRequest, discoverTarget } from '../../../src/upgrades/drivers/discover.ts'
import { within } from '../../../src/upgrades/drivers/gate/json.ts'
import { objectsOf } from '../../../src/upgrades/drivers/rendered.ts'
import { readRoom } from '../../../src/upgrades/drivers/room.ts'
import { eventually, practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { configMap, deployment, job, statefulSet } from '../kubernetes/objects.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await practiceCluster()
})
afterAll(() => cluster.stop())

type Body = KubeObject & Readonly<Record<string, unknown>>
const manifestOf = (...objects: readonly KubeObject[]) =>
  objectsOf(objects.map((each) => `---\n${stringify(each)}`).join(''))

async function apply(namespace: string, ...objects: readonly Body[]): Promise<void> {
  const discovery = createDiscovery(cluster.client, systemClock)
  for (const body of objects) {
    const resource = await discovery.find(body.apiVersion ?? '', body.kind ?? '')
    if (resource === null) throw new Error(`${body.kind} is not served`)
    const name = { namespace, name: body.metadata.name }
    await cluster.client.patch(resource, name, { type: 'apply', body: body as never, fieldManager: 'helm' })
  }
}

const found = (namespace: string, objects: DiscoveryRequest['objects'], wanted: DiscoveryRequest['wanted'] = null) =>
  discoverTarget({ client: cluster.client, namespace, objects, wanted })

const service = (name: string, app: string): Body => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app }, ports: [{ port: 80 }] } },
})
const budget = (app: string): Body => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: `${app}-budget` } },
  spec: { minAvailable: 1, selector: { matchLabels: { app } } },
})
const autoscaler = (name: string): Body => ({
  ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: `${name}-hpa` } },
  spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
})

describe('the target', () => {
  test('is the only workload, with all that touches it', async () => {
    const namespace = await cluster.namespace('target')
    const web = deployment('web', { replicas: 3 })
    await apply(namespace, web, service('web', 'web'), service('other', 'other'), budget('web'), autoscaler('web'))
    const sight = await found(namespace, manifestOf(web, configMap('c'), job('j')))
    expect(sight).toMatchObject({
      ...{ kind: 'found', workload: { kind: 'Deployment', name: 'web' }, instances: 3 },
      ...{ services: ['web'], budgets: ['web-budget'], autoscaler: 'web-hpa' },
      capabilities: { hold: 'gate', surge: true, ordered: false, pin: true },
    })
  })

  test('is what the request names where there are several', async () => {
    const namespace = await cluster.namespace('several')
    const [web, store] = [deployment('web'), statefulSet('store', { replicas: 2 })]
    await apply(namespace, web, store)
    const objects = manifestOf(web, store)
    expect(await found(namespace, objects)).toMatchObject({ kind: 'several_candidates' })
    expect(await found(namespace, objects, { name: 'store' })).toMatchObject({
      ...{ kind: 'found', instances: 2, services: [] },
      capabilities: { hold: 'gate', surge: false, ordered: true, pin: false },
    })
    expect(await found(namespace, objects, { name: 'nobody' })).toMatchObject({ kind: 'no_workload' })
  })

  test('is refused in words', async () => {
    const namespace = await cluster.namespace('refused')
    const [none, bare] = [deployment('none', { replicas: 0 }), { ...deployment('bare'), kind: 'ReplicaSet' }]
    await apply(namespace, none)
    expect(await found(namespace, manifestOf(none))).toMatchObject({ kind: 'no_replicas' })
    expect(await found(namespace, manifestOf(deployment('absent')))).toMatchObject({ kind: 'no_workload' })
    expect(await found(namespace, manifestOf(configMap('c')))).toMatchObject({ kind: 'no_workload' })
    expect(await found(namespace, manifestOf(bare))).toMatchObject({ kind: 'unsupported' })
  })

  test('cannot be held where its chart renders the field that the gate needs', async () => {
    const namespace = await cluster.namespace('held')
    const { spec, ...rest } = deployment('web')
    const web = { ...rest, spec: { ...spec, paused: false, strategy: { type: 'Recreate' } } }
    await apply(namespace, web)
    expect(await found(namespace, manifestOf(web))).toMatchObject({ capabilities: { hold: 'none', surge: false } })
  })
})

test('the room follows quotas and nodes', async () => {
  const namespace = await cluster.namespace('room')
  const pod = within(deployment('web').spec as never, 'template', 'spec')
  const free = await readRoom(cluster.client, namespace, pod)
  expect(free.evidence.nodes?.usable).toBeGreaterThan(0)
  expect(free.pods).toBeGreaterThan(10)
  const quota: Body = { metadata: { name: 'few', namespace }, spec: { hard: { pods: '4' } } }
  await cluster.client.create(resources.resourceQuotas, quota)
  await apply(namespace, deployment('web', { replicas: 3 }))
  const room = await eventually(
    () => readRoom(cluster.client, namespace, pod),
    ({ pods }) => pods === 1,
  )
  expect(room.evidence.quotas).toEqual([{ quota: 'few', resource: 'pods', left: 1, pods: 1 }])
})

test('there is nothing to back up without claims, and no backup where no tool is served', async () => {
  const namespace = await cluster.namespace('backups')
  const parts = { client: cluster.client, discovery: createDiscovery(cluster.client, systemClock), clock: systemClock }
  const store = statefulSet('store')
  expect(await readBackups(parts, namespace, manifestOf(store))).toEqual({ kind: 'nothing-to-back-up' })
  await apply(namespace, store)
  const sight = await eventually(
    () => readBackups(parts, namespace, manifestOf(store)),
    ({ kind }) => kind === 'missing',
  )
  expect(sight).toMatchObject({ claims: ['data-store-0'] })
})
