import type { JsonObject } from '../../core/json.ts'
import { type ClusterClient, type KubeObject, resources, selectorMatches } from '../../infra/kubernetes/index.ts'
import type { Capabilities, WorkloadKind, WorkloadRef } from '../core/model.ts'
import { refusedField } from './change.ts'
import { gateKinds } from './fleet/context.ts'
import type { Budget } from './fleet/evictions.ts'
import { templateLabels } from './fleet/members.ts'
import { noteName } from './gate/annotation.ts'
import type { Workload } from './gate/model.ts'
import { nameOf, type Rendered, workloadsOf } from './rendered.ts'
import { selectingServices } from './services/select.ts'
import { whyNotBeside } from './surge.ts'

/** A workload as a request names it: the kind may be left out. */
export type WorkloadRequest = { readonly kind?: WorkloadKind; readonly name: string }

/** What a release's target is, as it is there now. */
export type Discovery = {
  readonly kind: 'found'
  readonly workload: WorkloadRef
  readonly uid: string
  /** Replicas that are wanted, or nodes that it runs on. */
  readonly instances: number
  readonly capabilities: Capabilities
  /** Why no new pod of a Deployment can run beside an old one; null where one can. */
  readonly notBeside: string | null
  readonly services: readonly string[]
  /** An autoscaler that changes the number of instances; null without one. */
  readonly autoscaler: string | null
  readonly budgets: readonly string[]
}

/** Why there is no target. `detail` may be shown. */
export type DiscoveryRefusal = {
  readonly kind: 'no_workload' | 'no_replicas' | 'several_candidates' | 'unsupported'
  readonly detail: string
  readonly candidates: readonly WorkloadRef[]
}

export type DiscoveryRequest = {
  readonly client: ClusterClient
  readonly namespace: string
  /** The newest revision's objects. */
  readonly objects: readonly Rendered[]
  /** What the request names; the kind may be left out. */
  readonly wanted: { readonly kind?: WorkloadKind; readonly name: string } | null
}

/** Finds the target of an upgrade among a release's workloads. Throws `ClusterError`. */
export async function discoverTarget(request: DiscoveryRequest): Promise<Discovery | DiscoveryRefusal> {
  const chosen = chooseWorkload(request.objects, request.wanted)
  if ('detail' in chosen) return chosen
  const { client, namespace } = request
  const { kind, name, body } = chosen
  const live = await client.find<Workload>(gateKinds[kind].resource, { namespace, name })
  if (live === null) return refuse('no_workload', `${nameOf(chosen)} is not in the cluster`)
  const instances = gateKinds[kind].instances(live)
  if (instances === 0) return refuse('no_replicas', `${nameOf(chosen)} has no replicas`)
  return found({ kind, name }, body, live, instances, request)
}

/** The workload that a request means: the one that it names, or the only one. Pure. */
export function chooseWorkload(
  objects: readonly Rendered[],
  wanted: DiscoveryRequest['wanted'],
): (Rendered & { readonly kind: WorkloadKind }) | DiscoveryRefusal {
  const all = workloadsOf(objects)
  const fitting = all.filter(
    ({ kind, name }) => wanted === null || (name === wanted.name && (wanted.kind ?? kind) === kind),
  )
  const [only] = fitting
  if (only !== undefined && fitting.length === 1) return only
  const candidates = (fitting.length === 0 ? all : fitting).map(({ kind, name }) => ({ kind, name }))
  if (fitting.length > 1) {
    return refuse('several_candidates', `choose one of ${candidates.map(nameOf).join(', ')}`, candidates)
  }
  const asked = wanted === null ? '' : ` named ${wanted.name}`
  const other = all.length > 0 || wanted !== null ? undefined : objects.find(isUnsupported)
  if (other !== undefined) return refuse('unsupported', `${nameOf(other)} cannot be upgraded instance by instance`)
  return refuse('no_workload', `the release has no Deployment, StatefulSet or DaemonSet${asked}`, candidates)
}

/** Kinds that run pods and that nothing here can hold. */
const unsupported: ReadonlySet<string> = new Set(['Pod', 'ReplicaSet', 'ReplicationController', 'Rollout', 'CloneSet'])
const isUnsupported = ({ kind, isHook }: Rendered): boolean => !isHook && unsupported.has(kind)

function refuse(
  kind: DiscoveryRefusal['kind'],
  detail: string,
  candidates: readonly WorkloadRef[] = [],
): DiscoveryRefusal {
  return { kind, detail, candidates }
}

async function found(
  workload: WorkloadRef,
  body: JsonObject,
  live: Workload,
  instances: number,
  { client, namespace }: DiscoveryRequest,
): Promise<Discovery> {
  const labels = templateLabels(live)
  const [services, autoscaler, budgets, notBeside] = await Promise.all([
    selectingServices(client, namespace, [labels]),
    findAutoscaler(client, namespace, workload),
    client.list<Budget>(resources.disruptionBudgets, { namespace }),
    workload.kind === 'Deployment' ? whyNotBeside(client, live, body) : null,
  ])
  const { kind } = workload
  return {
    kind: 'found',
    workload,
    uid: live.metadata.uid ?? '',
    instances,
    capabilities: {
      hold: refusedField(kind, body) === null && !isPausedByOthers(kind, live) ? 'gate' : 'none',
      surge: kind === 'Deployment' && notBeside === null,
      ordered: kind === 'StatefulSet',
      pin: kind === 'Deployment' && services.length > 0,
    },
    notBeside,
    services: services.map(({ metadata }) => metadata.name),
    autoscaler,
    budgets: budgets.items
      .filter(({ spec }) => selectorMatches(spec?.selector, labels))
      .map(({ metadata }) => metadata.name),
  }
}

/** A pause that is none of ours would be opened by the gate. */
function isPausedByOthers(kind: WorkloadKind, { spec, metadata }: Workload): boolean {
  return kind === 'Deployment' && spec?.paused === true && metadata.annotations?.[noteName] === undefined
}

type Autoscaler = KubeObject & {
  readonly spec?: { readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string } }
}

async function findAutoscaler(
  client: ClusterClient,
  namespace: string,
  { kind, name }: WorkloadRef,
): Promise<string | null> {
  const { items } = await client.list<Autoscaler>(resources.autoscalers, { namespace })
  const mine = items.find(({ spec }) => spec?.scaleTargetRef?.kind === kind && spec.scaleTargetRef.name === name)
  return mine?.metadata.name ?? null
}
