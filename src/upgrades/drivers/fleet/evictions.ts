import {
  type ClusterClient,
  isReady,
  type KubeObject,
  mapParallel,
  removePods,
  resources,
  selectorMatches,
} from '../../../infra/kubernetes/index.ts'
import type { LabelSelector } from '../../../infra/kubernetes/readiness/workload-types.ts'
import type { Disruptions, PodRef } from '../../core/model.ts'
import type { Hand } from './hand.ts'
import { type FleetPod, refOf } from './members.ts'

export type Budget = KubeObject & {
  readonly spec?: { readonly selector?: LabelSelector }
  readonly status?: { readonly disruptionsAllowed?: number; readonly desiredHealthy?: number }
}

const AT_ONCE = 8

/**
 * Why pods may not go now, by UID: each is asked about alone, by a dry run, and then together, because each of several
 * may be allowed while all are not. Changes nothing. Throws `ClusterError`.
 */
export async function readRefusals(
  client: ClusterClient,
  namespace: string,
  pods: readonly FleetPod[],
): Promise<Readonly<Record<string, string>>> {
  const answers = await mapParallel(pods, AT_ONCE, (pod) =>
    client.evict({ namespace, ...refOf(pod) }, { dryRun: true }),
  )
  const refused = pods.flatMap((pod, index) => {
    const answer = answers[index]
    return answer?.kind === 'refused' ? [[refOf(pod).uid, answer.why] as const] : []
  })
  const allowed = pods.filter((_, index) => answers[index]?.kind === 'allowed')
  if (allowed.length < 2) return Object.fromEntries(refused)
  const { items } = await client.list<Budget>(resources.disruptionBudgets, { namespace })
  return { ...beyondBudgets(allowed, items), ...Object.fromEntries(refused) }
}

/** Which of several pods the budgets do not allow together, the first ones first. Unready ones cost none. Pure. */
export function beyondBudgets(pods: readonly FleetPod[], budgets: readonly Budget[]): Readonly<Record<string, string>> {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]))
  const refused: Record<string, string> = {}
  for (const pod of pods.filter(isReady)) {
    const mine = budgets.filter(({ spec }) => selectorMatches(spec?.selector, pod.metadata.labels))
    const spent = mine.find((budget) => (left.get(budget) ?? 0) <= 0)
    if (spent === undefined) for (const budget of mine) left.set(budget, (left.get(budget) ?? 0) - 1)
    else refused[refOf(pod).uid] = `The disruption budget ${spent.metadata.name} does not allow so many at once`
  }
  return refused
}

/**
 * What the budgets of these pods leave, counted from the pods that are there now: what a budget's status says of them is older,
 * and where a controller takes pods by itself it would take one more for it. Null where no budget selects one of
 * them. Changes nothing. Throws `ClusterError`.
 */
export async function readDisruptions(
  client: ClusterClient,
  namespace: string,
  pods: readonly FleetPod[],
): Promise<Disruptions | null> {
  const { items } = await client.list<Budget>(resources.disruptionBudgets, { namespace })
  const mine = items.filter(({ spec }) => pods.some(({ metadata }) => selectorMatches(spec?.selector, metadata.labels)))
  if (mine.length === 0) return null
  const all = (await client.list<FleetPod>(resources.pods, { namespace })).items
  return leastOf(mine.map((budget) => leavesOf(budget, all)))
}

const leastOf = (all: readonly Disruptions[]): Disruptions | null =>
  all.reduce<Disruptions | null>((least, one) => (least === null || one.left < least.left ? one : least), null)

/** How many of the pods that are ready now a budget lets become unready. Pure. */
export function leavesOf({ metadata, spec, status }: Budget, pods: readonly FleetPod[]): Disruptions {
  const selected = pods.filter((pod) => selectorMatches(spec?.selector, pod.metadata.labels))
  const healthy = selected.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined).length
  // What its controller has not computed yet may be anything up to all.
  const desired = status?.desiredHealthy ?? selected.length
  const why = `The disruption budget ${metadata.name} needs ${desired} healthy pods and has ${healthy} currently`
  return { left: healthy - desired, why }
}

/**
 * Lets pods go: ready ones by an eviction, which disruption budgets may refuse, where these are asked; unready ones are
 * deleted, because they serve nobody and a budget that they have used up would keep them for ever. Throws `ActFailed`
 * after all were asked.
 */
export async function letGo(
  client: ClusterClient,
  { namespace, asks }: { readonly namespace: string; readonly asks: boolean },
  pods: readonly FleetPod[],
  hand: Hand,
): Promise<void> {
  const refused: string[] = []
  for (const pod of pods) {
    const named = { namespace, ...refOf(pod) }
    if (!asks || !isReady(pod)) {
      await deletePod(client, namespace, named, hand)
      continue
    }
    const answer = await evict(client, named, hand)
    if (answer !== null) refused.push(`${pod.metadata.name}: ${answer}`)
  }
  if (refused.length > 0) throw hand.failure('refused', refused.join('; '))
}

type NamedPod = PodRef & { readonly namespace: string }

/** Why it may not go; null once it goes. */
async function evict(client: ClusterClient, named: NamedPod, hand: Hand): Promise<string | null> {
  const answer = await hand.write((options) => client.evict(named, options))
  return answer.kind === 'refused' ? answer.why : null
}

/** Deletes this very pod; one that is gone, or has been replaced, is fine. */
export async function deletePod(
  client: ClusterClient,
  namespace: string,
  { name, uid }: PodRef,
  hand: Hand,
): Promise<void> {
  await hand.write((options) => removePods(client, namespace, [{ name, uid }], options))
}
