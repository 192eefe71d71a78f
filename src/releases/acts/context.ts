import type { Clock } from '../../core/instant.ts'
import { ActFailed, type Lease } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import type { Beyond, ClusterEndpoint, GrantedObject, Kept, RunContext } from '../../infra/helm/index.ts'
import { AccessRefused } from '../../infra/kubernetes/index.ts'
import type { Operation, Release, ReleaseAct } from '../core/model.ts'
import type { ReleasePorts } from '../ports.ts'
import { unlessGoing } from './going.ts'

/** What every act of a release works with. */
export type ActDeps = {
  readonly ports: ReleasePorts
  readonly clock: Clock
}

/** What an act of a release is told of its attempt, and of what it belongs to. */
export type ReleaseActContext = ActContext &
  Pick<RunContext, 'beforeDelete'> & {
    /** The release and the operation, as they were committed with the attempt. */
    readonly subject: ActSubject
  }

/** The acts of a release, by kind. */
export type ReleaseActs = {
  readonly [K in ReleaseAct['kind']]: (
    act: Extract<ReleaseAct, { kind: K }>,
    context: ReleaseActContext,
  ) => Promise<void>
}

export type ActSubject = {
  readonly release: Release
  readonly operation: Operation
  /** The digests of all charts that the release has had. */
  readonly charts: readonly string[]
}
export type ActTarget = {
  readonly cluster: ClusterEndpoint
  readonly namespace: string
  readonly release: string
  readonly beyond: Beyond
}

/** What of a held release helm is to leave as it is: pins, what holds it, and where it ends a freeze, what was scaled. */
export async function keptBeneath(
  { ports: { frozenWorkloads } }: Pick<ActDeps, 'ports'>,
  { release, operation }: Pick<ActSubject, 'release' | 'operation'>,
  lease: Lease,
): Promise<readonly Kept[]> {
  const held = [...(await frozenWorkloads.pins(release, lease)), ...(await frozenWorkloads.bounds(release))]
  return operation.request.keepsScale === true ? [...held, ...(await frozenWorkloads.scaled(release))] : held
}

/**
 * The release as helm is to reach it: with the rights of its tenant, and what is granted besides. `deploys` is the chart
 * that the act renders, if it renders one. Throws `ActFailed` where the cluster refuses the tenant's rights.
 */
export async function targetOf(
  { ports }: ActDeps,
  { release, charts }: Pick<ActSubject, 'release' | 'charts'>,
  deploys: string | null,
): Promise<ActTarget> {
  const { clusterId, tenantId, namespace, name } = release
  const reached = ports.clusters.of(clusterId)
  try {
    const cluster = await reached.asTenant(tenantId, namespace)
    const beyond = { cluster: reached.endpoint, objects: await grantedTo(ports, charts, deploys) }
    return { cluster, namespace, release: name, beyond }
  } catch (error) {
    if (!(error instanceof AccessRefused)) throw error
    const said = { code: 'not_permitted', detail: error.message } as const
    throw new ActFailed('unchanged', await unlessGoing(reached, release, said))
  }
}

/**
 * What a chart has made by a grant may be removed as long as the grant lasts; only the chart itself may make it. Helm takes
 * what a rollback writes from its records, which the tenant's pods can change: it makes nothing by a grant (docs/adr/0021).
 */
async function grantedTo(ports: ReleasePorts, charts: readonly string[], deploys: string | null) {
  const granted = await ports.charts.granted(deploys === null ? charts : [...charts, deploys])
  return granted.map(
    ({ chartDigest, ...object }): GrantedObject => ({
      ...object,
      only: chartDigest === deploys ? null : 'removal',
    }),
  )
}

/** Seconds that helm may take for hooks: what is left until the deadline, at least one. */
export function secondsLeft(clock: Clock, deadline: number): number {
  return Math.max(1, Math.ceil((deadline - clock.now()) / 1000))
}
