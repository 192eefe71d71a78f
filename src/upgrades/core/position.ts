import { isAdmitted, oldPod } from './instances.ts'
import type { Execution, GatePosition, Instance, PodRef } from './model.ts'
import type { Members } from './slots.ts'

export type Admitting = Extract<GatePosition, { kind: 'admitting' }>

/** The gate that lets just the instances move that were let go. */
export function positionOf({ instances }: Execution): Admitting {
  let upTo = 0
  let surge = 0
  for (const instance of instances) {
    if (!isAdmitted(instance)) continue
    if (instance.surge) surge += 1
    else upTo += 1
  }
  return { kind: 'admitting', upTo, surge }
}

/** How many instances a gate lets be on the target version; 0 while it is shut, all when there is none. */
export function letsBe(gate: GatePosition): number {
  if (gate.kind === 'none') return Number.POSITIVE_INFINITY
  return gate.kind === 'admitting' ? gate.upTo + gate.surge : 0
}

export function samePosition(a: GatePosition, b: GatePosition): boolean {
  if (a.kind === 'admitting' && b.kind === 'admitting') return a.upTo === b.upTo && a.surge === b.surge
  if (a.kind === 'reverting' && b.kind === 'reverting') return a.unavailable === b.unavailable && a.surge === b.surge
  return a.kind === b.kind
}

/** The old pods that may go now and are still there. */
export function toTake({ instances }: Execution, members: Members): readonly PodRef[] {
  return instances.flatMap((instance) => {
    const pod = mayLoseOld(instance) ? oldPod(instance) : null
    return pod !== null && members.has(pod.uid) ? pod : []
  })
}

/** One that FAILED before it left keeps what it has. */
function mayLoseOld(instance: Instance): boolean {
  return isAdmitted(instance) && !instance.surge && instance.status !== 'FAILED'
}
