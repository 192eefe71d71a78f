import type { JsonObject } from '../../core/json.ts'
import { type ClusterClient, ClusterError, mapParallel } from '../../infra/kubernetes/index.ts'
import type { ChangePlan, WorkloadKind, WorkloadRef } from '../core/model.ts'
import { gateKinds } from './fleet/context.ts'
import { isUniform } from './fleet/others.ts'
import { equivalentJson, within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'
import { isSame, objectsOf, type Rendered, workloadsOf } from './rendered.ts'

/**
 * Workloads whose pods Helm's newest revision does not tell: an execution has left them in two versions, or the upgrade
 * that made it has failed. They move when helm runs, whatever renderings say. `template`: see `ChangePlan`, of the target.
 */
export type Unsettled = {
  readonly workloads: readonly WorkloadRef[]
  readonly template: NonNullable<ChangePlan['template']>
}

/** Every workload runs what the newest revision says. */
export const settled: Unsettled = { workloads: [], template: 'newest' }

const AT_ONCE = 4

/**
 * What the failed revision `newest` has left of the workloads that helm is to apply. The API server is asked what applying
 * would make of each, as a dry run: the renderings alone do not tell whether helm came to apply them. Throws
 * `ClusterError` where it does not answer.
 */
export async function readUnsettled(
  client: ClusterClient,
  namespace: string,
  newest: readonly Rendered[],
  wanted: readonly Rendered[],
  target: WorkloadRef,
): Promise<Unsettled> {
  const applied = workloadsOf(newest)
  const standings = await mapParallel(workloadsOf(wanted), AT_ONCE, async (each) => {
    const old = applied.find((one) => isSame(one, each))
    return { ref: { kind: each.kind, name: each.name }, ...(await standingOf(client, namespace, each, old)) }
  })
  return {
    workloads: standings.filter(({ moves }) => moves).map(({ ref }) => ref),
    template: standings.find(({ ref }) => isSame(ref, target))?.template ?? 'newest',
  }
}

/**
 * Which of the workloads that replace no pod by themselves have older ones: where the chart leaves that to their controllers
 * from now on, these move though no template changes. Throws `ClusterError`.
 */
export async function withOlderPods(
  client: ClusterClient,
  namespace: string,
  released: readonly WorkloadRef[],
): Promise<readonly WorkloadRef[]> {
  const found = await mapParallel(released, AT_ONCE, async (ref) => {
    const live = await client.find<Workload>(gateKinds[ref.kind].resource, { namespace, name: ref.name })
    return live === null || isUniform(live) ? [] : [ref]
  })
  return found.flat()
}

/**
 * Whether the workloads of a failed revision have the templates of its manifest: helm came to apply them all. One without any
 * tells nothing, so it does not. Throws `ClusterError`.
 */
export async function isApplied(client: ClusterClient, namespace: string, manifest: string): Promise<boolean> {
  const workloads = workloadsOf(objectsOf(manifest))
  const found = await mapParallel(workloads, AT_ONCE, async (each) => {
    const live = await client.find<Workload>(gateKinds[each.kind].resource, { namespace, name: each.name })
    return live !== null && hasTemplate(client, namespace, live, each)
  })
  return found.length > 0 && found.every(Boolean)
}

type Standing = { readonly moves: boolean; readonly template: Unsettled['template'] }
type Applied = Rendered & { readonly kind: WorkloadKind }

async function standingOf(
  client: ClusterClient,
  namespace: string,
  wanted: Applied,
  newest: Applied | undefined,
): Promise<Standing> {
  const { resource } = gateKinds[wanted.kind]
  const live = await client.find<Workload>(resource, { namespace, name: wanted.name })
  // Helm makes it: nothing of it runs yet.
  if (live === null) return { moves: false, template: 'newest' }
  if (await hasTemplate(client, namespace, live, wanted)) return { moves: !isUniform(live), template: 'to' }
  const isNewest = newest !== undefined && (await hasTemplate(client, namespace, live, newest))
  return { moves: true, template: isNewest ? 'newest' : 'from' }
}

/** Whether applying what was rendered would leave the pods of a workload as its template says now. */
async function hasTemplate(
  client: ClusterClient,
  namespace: string,
  live: Workload,
  { kind, name, body }: Applied,
): Promise<boolean> {
  const metadata = { ...within(body, 'metadata'), namespace }
  const apply = { type: 'apply', body: { ...body, metadata }, fieldManager: 'helm', force: true, dryRun: true } as const
  try {
    const { resource } = gateKinds[kind]
    return equivalentJson(
      templateOf(await client.patch<Workload>(resource, { namespace, name }, apply)),
      templateOf(live),
    )
  } catch (error) {
    // What the server refuses helm will be refused too, and says so.
    if (!(error instanceof ClusterError) || error.unreachable || error.isForbidden) throw error
    return false
  }
}

const templateOf = ({ spec }: Workload): JsonObject => within(spec, 'template')
