/*
 * What holds the way back: no ready pod goes before it was asked whether it may, as on the way forward (docs/adr/0055). Where
 * Flotilla takes the pods it takes those that may. A Deployment's controller takes them itself, and knows no budget: there the
 * gate lets no more be unavailable than what the budgets want available leaves.
 */
import { unavailable } from '../instances.ts'
import type { GatePosition, PodRef } from '../model.ts'
import { asksOnTheWayBack, awayPod, podsAboutToGo } from '../probes.ts'
import { failedToTake, isAnswered } from '../refused.ts'
import { budgetNow } from '../stopping.ts'
import type { Look } from './look.ts'
import { whoIsNotReady } from './starved.ts'

/** Tells of a pod whether it may go now: it serves nobody, or it was asked about and nothing refuses it. Pure. */
export function mayGoBack({ execution, before, fleet, members }: Look): (pod: PodRef) => boolean {
  if (!asksOnTheWayBack(execution)) return () => true
  const asked = new Set(podsAboutToGo(before).map(({ uid }) => uid))
  return ({ uid }) => members.get(uid)?.ready !== true || (asked.has(uid) && fleet.refusals[uid] === undefined)
}

type Reverting = Extract<GatePosition, { kind: 'reverting' }>

/** The position with as many unavailable as the budgets leave; it rests where they leave nobody. Pure. */
export function withinBudgets(look: Look, wanted: Reverting): Reverting {
  const { execution, fleet, members } = look
  const leaves = leavesByBudgets(look)
  if (leaves >= wanted.unavailable) return wanted
  const most = Math.max(0, leaves)
  if (most > 0 || (wanted.surge > 0 && leaves >= 0)) return { ...wanted, unavailable: most }
  // Those that are not ready go unasked, and a rolling update that may neither take nor add a pod is none.
  const isBroken = (pod: PodRef | null): boolean => pod !== null && members.get(pod.uid)?.ready === false
  if (execution.instances.some((one) => isBroken(awayPod(one)))) {
    return { ...wanted, unavailable: wanted.surge > 0 ? 0 : 1 }
  }
  // With less room a paused fleet would take a pod away, with more it would add one.
  return { ...wanted, unavailable: 0, surge: Math.max(0, members.size - fleet.wanted), rests: true }
}

/** How many of the wanted number may be unavailable; Infinity where nothing is asked or no budget holds the fleet. */
function leavesByBudgets(look: Look): number {
  const { execution, fleet, members } = look
  if (!asksOnTheWayBack(execution) || execution.instances.some(({ key }) => key !== null)) {
    return Number.POSITIVE_INFINITY
  }
  const ready = [...members.values()].filter((member) => member.ready).length
  const away = readyAway(look)
  const nobody = away.length > 0 && !away.some(mayGoBack(look))
  const left = fleet.disruptions?.left ?? Number.POSITIVE_INFINITY
  return fleet.wanted - ready + (nobody ? Math.min(0, left) : left)
}

/** All ready pods that are to go back, by what is seen now. */
const readyAway = ({ execution, members }: Look): readonly PodRef[] =>
  execution.instances.flatMap((one) => {
    const pod = awayPod(one)
    return pod !== null && members.get(pod.uid)?.ready === true ? pod : []
  })

/** What keeps ready pods from going back now, in words: a disruption budget, or instances that use up what may be unavailable. */
export function whatHolds(look: Look): string | null {
  const { execution, fleet } = look
  if (execution.capabilities.hold === 'none') return null
  const away = readyAway(look)
  if (away.length === 0) return null
  const refusal = away.map((pod) => whyRefused(look, pod)).find((why) => why !== null)
  if (refusal !== undefined) return refusal
  const { disruptions = null } = fleet
  if (disruptions !== null && disruptions.left <= 0) return disruptions.why
  const isUsedUp = unavailable(execution.instances) >= budgetNow(execution)
  return isUsedUp ? whoIsNotReady(execution, fleet) : null
}

/** Why the budget keeps this very pod: by the newest look, or by the answer to its eviction. */
export function whyRefused({ fleet, attempt }: Look, pod: PodRef): string | null {
  const failed = failedToTake(attempt, pod)
  return fleet.refusals[pod.uid] ?? (failed !== null && isAnswered(failed) ? (failed.failure?.detail ?? null) : null)
}
