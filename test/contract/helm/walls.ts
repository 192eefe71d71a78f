import type { Wall } from '../../../src/infra/helm/gateway/gateway.ts'
import { readPath } from '../../../src/infra/helm/gateway/path.ts'
import { type ClusterEndpoint, Gateway, type Helm, HelmProcess } from '../../../src/infra/helm/index.ts'
import { createClient, createTenantAccess } from '../../../src/infra/kubernetes/index.ts'
import { clock, type World } from './support.ts'

/** Which of the two walls of SECURITY.md stand. */
export const standings = ['both walls', 'the gateway alone', 'RBAC alone'] as const
export type Standing = (typeof standings)[number]

/** Forwards whatever comes, as a gateway without rules does. */
const noWall: Wall = {
  admits: (method, rawUrl) => {
    const location = readPath(rawUrl.split('?')[0] ?? '')
    if (location?.kind === 'discovery' || location?.kind === 'openapi') return { kind: 'discovery' }
    const nowhere = { group: '', version: 'v1', resource: 'unknown', namespace: null, name: null }
    return method === 'GET'
      ? { kind: 'read', beyond: false }
      : { kind: 'write', object: location?.kind === 'object' ? location : nowhere, beyond: false }
  },
  admitsSecret: () => true,
}

export type Walled = {
  readonly helm: Helm
  /** What helm is given for a release in the namespace. */
  clusterOf(namespace: string): Promise<ClusterEndpoint>
}

/** Helm behind the walls that stand. The caller closes the gateway. */
export async function openWalls(world: World) {
  const { binary, workspace, cluster } = world
  const open = await Gateway.open({ clock, wall: noWall })
  const access = createTenantAccess(createClient({ endpoint: cluster, clock }), clock)
  const asTenant = (namespace: string) => access.as(`flotilla:tenant:${namespace}`, namespace)
  const unwalled = new HelmProcess({ binary, gateway: open, workspace, clock })
  const walls: Readonly<Record<Standing | 'none', Walled>> = {
    none: { helm: unwalled, clusterOf: async () => cluster },
    'both walls': { helm: world.helm, clusterOf: asTenant },
    'the gateway alone': { helm: world.helm, clusterOf: async () => cluster },
    'RBAC alone': { helm: unwalled, clusterOf: asTenant },
  }
  return { walls, close: () => open.close() }
}
