import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { ClusterClient } from '../../infra/kubernetes/index.ts'
import type { FleetRelease, Renderings } from '../../releases/index.ts'
import type { Capabilities, WorkloadRef } from '../core/model.ts'
import { type Change, compareRenderings, dropsManual, refusedField, whyNotHeld } from './change.ts'
import { chooseWorkload, type Discovery, discoverTarget, type WorkloadRequest } from './discover.ts'
import { gateKinds } from './fleet/context.ts'
import { carriesNote } from './gate/annotation.ts'
import { within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'
import { isSame, objectsOf, type Rendered, renderedObjects, workloadsOf } from './rendered.ts'
import { type Refused, renderedOrRefused } from './renderings.ts'
import { type Room, readRoom } from './room.ts'
import { readUnsettled, settled, type Unsettled, withOlderPods } from './standing.ts'
import { whatCannotBeSwitched } from './switching.ts'

/** What the workloads of releases are read with. Each throws when what it asks does not answer. */
export type WorkloadParts = {
  readonly clientOf: (clusterId: Uuid) => ClusterClient
  readonly renderings: (releaseId: Uuid, chartVersion: string) => Promise<Renderings>
  /** The manifest of the newest revision, with its hooks. */
  readonly deployed: (release: FleetRelease) => Promise<string>
  /** The workloads beside the target that an execution has left frozen. */
  readonly frozenOthers: (release: FleetRelease) => Promise<readonly WorkloadRef[]>
}

/** A workload of a release whose pods can be instances, as it is now. */
export type FoundWorkload = {
  readonly workload: WorkloadRef
  readonly capabilities: Capabilities
  /** Why it cannot be held instance by instance, in words; null where it can be. */
  readonly notHeld: string | null
  /** Why no new pod of a Deployment can run beside an old one; null where one can. */
  readonly notBeside: string | null
}

/**
 * The workload of a release that a request means, as it is now. Throws `Problem` 422 where there is none, where it is not
 * clear, or where it has no replicas.
 */
export async function findWorkload(
  parts: WorkloadParts,
  release: FleetRelease,
  wanted: WorkloadRequest | null,
): Promise<FoundWorkload> {
  const objects = objectsOf(await parts.deployed(release))
  const { clusterId, namespace } = release
  const found = await discoverTarget({ client: parts.clientOf(clusterId), namespace, objects, wanted })
  if (found.kind !== 'found') throw refused(release, found.detail)
  return { ...found, notHeld: notHeld(objects, found, namespace) }
}

/** What the chart renders, or what somebody has done in the cluster: each has another way out. */
function notHeld(
  objects: readonly Rendered[],
  { workload, capabilities }: Discovery,
  namespace: string,
): string | null {
  if (capabilities.hold !== 'none') return null
  const chosen = chooseWorkload(objects, workload)
  const field = 'detail' in chosen ? null : refusedField(chosen.kind, chosen.body)
  return field === null ? whyPaused(workload, namespace) : whyNotHeld({ workload, field })
}

function whyPaused({ name }: WorkloadRef, namespace: string): string {
  const resume = `kubectl rollout resume deployment/${name} -n ${namespace}`
  return `Deployment ${name} is paused in the cluster (spec.paused), not by the chart: ${resume} ends that, until then only RECREATE is possible`
}

function refused({ namespace, name }: FleetRelease, why: string): Problem {
  const message = `the release ${namespace}/${name}: ${why}`
  return new Problem('refused', message, { errors: [{ pointer: '/target', message }] })
}

/** What rendering a version tells of the way there. */
export type Foreseen = {
  /** Why the workload, or one beside it, cannot be held; null where nothing is in the way. */
  readonly notHeld: string | null
  /** How much room there is now beside the pods that run. */
  readonly room: () => Promise<Room>
  /** Why traffic could not be switched to it from what runs; null where it could. */
  readonly notSwitched: () => Promise<string | null>
}

/**
 * Whether a release can be moved to a version instance by instance, and how much room there is. Null where that version does
 * not even render, which its validation tells. Throws `Problem`, `ClusterError` of what does not answer.
 */
export async function foresee(
  parts: WorkloadParts,
  release: FleetRelease,
  workload: WorkloadRef,
  chartVersion: string,
): Promise<Foreseen | null> {
  const way = { workload, chartVersion, isFrozen: release.frozen !== null }
  const compared = await compareWith(parts, release, way)
  if ('refusal' in compared) return null
  const { cannotGate } = compared.change
  const { clusterId, namespace } = release
  const client = parts.clientOf(clusterId)
  return {
    notHeld: cannotGate === null ? null : whyNotHeld(cannotGate),
    room: () => readRoom(client, namespace, podOf(compared.wanted, workload)),
    notSwitched: () => whatCannotBeSwitched(client, namespace, workload, compared),
  }
}

/** A workload on its way to a chart version; frozen: an execution has left it in two versions. */
export type Way = { readonly workload: WorkloadRef; readonly chartVersion: string; readonly isFrozen: boolean }

/** What is deployed and what is to be, and what that changes. */
export type Compared = {
  readonly newest: readonly Rendered[]
  readonly wanted: readonly Rendered[]
  readonly change: Change
  readonly template: Unsettled['template']
}

/** Compares what is deployed with a chart version. Throws `Problem`, `ClusterError` of what does not answer. */
export async function compareWith(parts: WorkloadParts, release: FleetRelease, way: Way): Promise<Compared | Refused> {
  const rendered = await renderedOrRefused(() => parts.renderings(release.id, way.chartVersion))
  if ('refusal' in rendered) return rendered
  const [newest, wanted] = [objectsOf(rendered.deployed), renderedObjects(rendered.wanted)]
  const { workloads, template } = await unsettledOf(parts, release, way, newest, wanted)
  return { newest, wanted, template, change: compareRenderings(newest, wanted, way.workload, workloads) }
}

/** What of the release the newest revision does not tell: of a frozen fleet, and where the last operation has failed. */
async function unsettledOf(
  parts: WorkloadParts,
  release: FleetRelease,
  { workload, isFrozen }: Way,
  newest: readonly Rendered[],
  wanted: readonly Rendered[],
): Promise<Unsettled> {
  const client = parts.clientOf(release.clusterId)
  if (isFrozen || (await isHeld(client, release, workload))) {
    return { ...settled, workloads: [workload, ...(await parts.frozenOthers(release))] }
  }
  if (release.newestFailed) return readUnsettled(client, release.namespace, newest, wanted, workload)
  return { ...settled, workloads: await withOlderPods(client, release.namespace, dropsManual(newest, wanted)) }
}

/** Made anew from a copy of a time at which it was held: without a gate nothing of it would move, whatever helm applies. */
async function isHeld(
  client: ClusterClient,
  { namespace }: FleetRelease,
  { kind, name }: WorkloadRef,
): Promise<boolean> {
  const live = await client.find<Workload>(gateKinds[kind].resource, { namespace, name })
  return live !== null && carriesNote(live)
}

/** The pod spec that the new version has. */
export function podOf(objects: readonly Rendered[], target: WorkloadRef) {
  return within(workloadsOf(objects).find((each) => isSame(each, target))?.body ?? {}, 'spec', 'template', 'spec')
}
