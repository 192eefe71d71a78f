import {
  type ClusterClient,
  ClusterError,
  type KubeObject,
  resources,
  withoutFoundValues,
} from '../../../infra/kubernetes/index.ts'
import { objectsIn } from '../gate/json.ts'
import type { GateKind, Workload } from '../gate/model.ts'

type EventObject = KubeObject & {
  readonly reason?: string
  readonly message?: string
  readonly lastTimestamp?: string
  readonly eventTime?: string
}

/**
 * Why the controller of a workload makes no pod that it wants (a quota, admission), in the words of the API server; null
 * where it makes them, or does not say. A Deployment tells it in its status. Others tell it in events only, which are read
 * while a pod is missing; where they cannot be, nothing is said.
 */
export async function readWhyNoPods(
  client: ClusterClient,
  kind: GateKind,
  live: Workload,
  present: number,
): Promise<string | null> {
  if (kind.kind === 'Deployment') return saidInStatus(live)
  return present >= kind.instances(live) ? null : saidInEvents(await readEvents(client, live))
}

async function readEvents(client: ClusterClient, { metadata }: Workload): Promise<readonly EventObject[]> {
  const { namespace = '', uid = '' } = metadata
  try {
    const { items } = await client.list<EventObject>(resources.events, {
      namespace,
      fieldSelector: `involvedObject.uid=${uid}`,
    })
    return items
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    return []
  }
}

/** What a Deployment has taken over from its ReplicaSets. Pure. */
export function saidInStatus({ status = {} }: Workload): string | null {
  const failure = objectsIn(status.conditions).find(({ type }) => type === 'ReplicaFailure')
  return failure?.status === 'True' && typeof failure.message === 'string' ? inWords(failure.message) : null
}

/** What the newest event about the making of pods says. Pure. */
export function saidInEvents(events: readonly EventObject[]): string | null {
  const about = events.filter(({ reason }) => reason === 'FailedCreate' || reason === 'SuccessfulCreate')
  const newest = about.toSorted((one, other) => timeOf(one).localeCompare(timeOf(other))).at(-1)
  return newest?.reason === 'FailedCreate' && newest.message !== undefined ? inWords(newest.message) : null
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: EventObject): string =>
  lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''

/** What controllers put before the words of the API server. */
const introduction = /^(Error creating|[Cc]reate (Claim \S+ for )?Pod \S+ in StatefulSet \S+ failed error): /

/** Values of the pod, which the API server quotes where it finds one invalid, are not told. It is cut when it is masked. */
function inWords(message: string): string {
  return withoutFoundValues(message.replace(introduction, ''))
}
