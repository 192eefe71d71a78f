import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import type { KubeObject } from '../../store/types.ts'
import { deploymentOf, NAMESPACE, templateOf, World } from '../testing/world.ts'

type Slice = KubeObject & {
  readonly endpoints: readonly {
    readonly addresses: readonly string[]
    readonly conditions: { readonly ready: boolean }
  }[]
  readonly ports: readonly { readonly name: string; readonly port: number }[]
}

function serving(replicas: number, service: Readonly<Record<string, unknown>> = {}): World {
  const world = new World()
  const template = templateOf('app:1.0')
  const containers = [{ name: 'main', image: 'app:1.0', ports: [{ name: 'http', containerPort: 8080 }] }]
  world.create(types.deployments, deploymentOf(replicas, { template: { ...template, spec: { containers } } }))
  world.create(types.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...service },
  })
  return world
}

const slices = (world: World) => world.store.list(types.endpointslices, NAMESPACE) as readonly Slice[]
const readyAddresses = (world: World) =>
  slices(world).flatMap(({ endpoints }) =>
    endpoints.filter(({ conditions }) => conditions.ready).flatMap(({ addresses }) => addresses),
  )

describe('a Service', () => {
  it('sends to ready pods only', () => {
    const world = serving(3)
    world.pass(0.2)
    expect(slices(world).flatMap(({ endpoints }) => endpoints)).toHaveLength(3)
    expect(readyAddresses(world)).toEqual([])
    world.pass(5)
    expect(new Set(readyAddresses(world)).size).toBe(3)
    expect(slices(world)[0]?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }])
    expect(slices(world)[0]?.metadata.labels?.['kubernetes.io/service-name']).toBe('web')
    expect(world.get<KubeObject>(types.endpoints, 'web').subsets).toMatchObject([{ ports: [{ port: 8080 }] }])
  })

  it('follows a change of its selector at once', () => {
    const world = serving(2).pass(5)
    world.patch(types.services, 'web', { selector: { app: 'web', 'pod-template-hash': 'other' } })
    expect(readyAddresses(world.pass(0.01))).toEqual([])
    const hash = world.pods()[0]?.metadata.labels?.['pod-template-hash'] ?? ''
    world.patch(types.services, 'web', { selector: { app: 'web', 'pod-template-hash': hash } })
    expect(readyAddresses(world.pass(0.01))).toHaveLength(2)
  })

  it('stops sending to a pod that is being deleted', () => {
    const world = serving(2).pass(5)
    world.remove(types.pods, world.pods()[0]?.metadata.name ?? '')
    expect(readyAddresses(world.pass(0.01))).toHaveLength(1)
  })

  it('keeps at most 100 endpoints in a slice', () => {
    const world = serving(130).pass(5)
    expect(
      slices(world)
        .map(({ endpoints }) => endpoints.length)
        .sort(),
    ).toEqual([100, 30])
    world.patch(types.deployments, 'web', { replicas: 2 })
    expect(slices(world.pass(10)).map(({ endpoints }) => endpoints.length)).toEqual([2])
  })

  it('gets an address from the documentation range as a load balancer', () => {
    const world = serving(1, { type: 'LoadBalancer' }).pass(1)
    expect(world.get<KubeObject>(types.services, 'web').status).toMatchObject({
      loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
    })
  })

  it('takes its Endpoints along when it goes', () => {
    const world = serving(1).pass(5)
    world.remove(types.services, 'web')
    world.pass(1)
    expect(world.store.list(types.endpoints, NAMESPACE)).toEqual([])
    expect(slices(world)).toEqual([])
  })
})
