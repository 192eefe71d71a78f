import { ClusterError } from './errors.ts'
import { type EventObject, timeOf } from './events.ts'
import { withoutFoundValues } from './found-values.ts'
import { resources } from './resources.ts'
import type { ClusterClient, KubeObject, RequestOptions } from './types.ts'

/** A controller gathers events that are alike; whoever writes more of them by hand is not followed. */
const mostEvents = 500

/**
 * Why the controller of a workload makes no pod that it wants (a quota, admission), by its events, in the words of the API server;
 * null where it makes them, or does not say. Where events cannot be read nothing is said. To be masked before it is cut.
 */
export async function readWhyNoPod(
  client: ClusterClient,
  { metadata }: KubeObject,
  options?: RequestOptions,
): Promise<string | null> {
  const { namespace = '', uid = '' } = metadata
  try {
    const about = { namespace, fieldSelector: `involvedObject.uid=${uid}` }
    return whyNoPod((await client.list<EventObject>(resources.events, about, { ...options, first: mostEvents })).items)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    return null
  }
}

/** What the newest event about the making of pods says. Pure. */
export function whyNoPod(events: readonly EventObject[]): string | null {
  const about = events.filter(({ reason }) => reason === 'FailedCreate' || reason === 'SuccessfulCreate')
  const newest = about.toSorted((one, other) => timeOf(one).localeCompare(timeOf(other))).at(-1)
  return newest?.reason === 'FailedCreate' && newest.message !== undefined ? refusalOf(newest.message) : null
}

/** What the status of a Deployment or a ReplicaSet says of pods that were refused, likewise; null where none is. Pure. */
export function refusalIn(conditions: readonly Said[]): string | null {
  const failure = conditions.find(({ type }) => type === 'ReplicaFailure')
  return failure?.status === 'True' && typeof failure.message === 'string' ? refusalOf(failure.message) : null
}

type Said = { readonly type?: unknown; readonly status?: unknown; readonly message?: unknown }

/** What controllers put before the words of the API server, and what gathers events that are alike before that. */
const introduction =
  /^(\(combined from similar events\): )?(Error creating|[Cc]reate (Claim \S+ for )?Pod \S+ in StatefulSet \S+ failed error): /

/** The words of the API server alone, without values of the pod that it quotes where it finds one invalid. Pure. */
function refusalOf(message: string): string {
  return withoutFoundValues(message.replace(introduction, ''))
}
