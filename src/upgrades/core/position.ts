import { inOrder, isAdmitted, oldPod, targetPod } from './instances.ts'
import type { Execution, GatePosition, Instance, PodRef } from './model.ts'
import type { Members } from './slots.ts'
import { strategyOf } from './strategies/index.ts'

export type Admitting = Extract<GatePosition, { kind: 'admitting' }>

/** The gate that lets just the instances move that were let go, and rests as soon as they have. */
export function positionOf(execution: Execution): Admitting {
  if (execution.capabilities.ordered) return { kind: 'admitting', upTo: reachOf(execution), surge: 0 }
  let upTo = 0
  let surge = 0
  for (const instance of execution.instances) {
    if (!isAdmitted(instance)) continue
    if (instance.surge) surge += 1
    else upTo += 1
  }
  const position = { kind: 'admitting', upTo, surge } as const
  return upTo + surge > 0 && mayRest(execution) ? { ...position, rests: true } : position
}

/**
 * True when the fleet's controller has nothing left to move. A number of pods that holds of ten lets all of three go, so
 * where that is what the gate of a fleet without named places is, it is open no longer than it must be: whoever scales it
 * down then finds it shut. A green set has a gate that never takes an old pod.
 */
function mayRest(execution: Execution): boolean {
  if (strategyOf(execution).switches) return false
  return execution.instances.every((one) => one.key === null && !isMoving(one))
}

/** It was let go, and its new pod has not come yet, or its old one has not gone that is to go. */
function isMoving(instance: Instance): boolean {
  if (!isAdmitted(instance) || instance.status === 'FAILED') return false
  if (instance.status === 'UPGRADING' && targetPod(instance) === null) return true
  return !instance.surge && oldPod(instance) !== null
}

/**
 * True for a gate that is shut though instances were let go: on the way forward they are all there, on the way back nobody may go
 * now (`withinBudgets`).
 */
export function isResting(gate: GatePosition): boolean {
  return (gate.kind === 'admitting' || gate.kind === 'reverting') && gate.rests === true
}

/**
 * Where instances move in one order a gate lets the highest ordinals go, and no others: so many that it covers whoever was
 * let go, and nobody who runs an old pod and was not. A place without a pod lets it through: what comes there is new.
 * So does one that FAILED with its old pod: it had been let go, and those below it stay so.
 */
function reachOf(execution: Execution): number {
  let reach = 0
  for (const [at, instance] of inOrder(execution, execution.instances).entries()) {
    if (isAdmitted(instance)) reach = at + 1
    else if (oldPod(instance) !== null && instance.status !== 'FAILED') break
  }
  return reach
}

/**
 * Tells whether a gate that lets so many be on the target version lets an instance go. Where they move in no order it only
 * says how many: all that were let go, or none is known to be.
 */
export function goesBy(execution: Execution, letsMove: number): (instance: Instance) => boolean {
  const { instances, capabilities } = execution
  if (!capabilities.ordered) {
    const opened = letsMove >= instances.filter(isAdmitted).length
    return () => opened
  }
  const going = new Set(inOrder(execution, instances).slice(0, letsMove))
  return (instance) => going.has(instance)
}

/**
 * For which instances a gate is shut: those that it does not cover, and where it rests all but who runs beside an old pod; that
 * one may have lost its new pod, and gets another.
 */
export function isShutBy(execution: Execution, gate: GatePosition): (instance: Instance) => boolean {
  const goes = goesBy(execution, letsBe(gate))
  return (instance) => !goes(instance) || (isResting(gate) && !instance.surge)
}

/** How many instances a gate lets be on the target version; 0 while it is shut, all when there is none. */
export function letsBe(gate: GatePosition): number {
  if (gate.kind === 'none') return Number.POSITIVE_INFINITY
  return gate.kind === 'admitting' ? gate.upTo + gate.surge : 0
}

export function samePosition(a: GatePosition, b: GatePosition): boolean {
  if (a.kind === 'admitting' && b.kind === 'admitting') {
    return a.upTo === b.upTo && a.surge === b.surge && isResting(a) === isResting(b)
  }
  if (a.kind === 'reverting' && b.kind === 'reverting') {
    return a.unavailable === b.unavailable && a.surge === b.surge && isResting(a) === isResting(b)
  }
  return a.kind === b.kind
}

/** The old pods that may go now and are still there. */
export function toTake(execution: Execution, members: Members): readonly PodRef[] {
  const goes = goesBy(execution, letsBe(positionOf(execution)))
  return execution.instances.flatMap((instance) => {
    if (!goes(instance)) return []
    const pod = mayLoseOld(instance) ? oldPod(instance) : null
    return pod !== null && members.has(pod.uid) ? pod : []
  })
}

/** One that FAILED before it left keeps what it has. */
function mayLoseOld(instance: Instance): boolean {
  return isAdmitted(instance) && !instance.surge && instance.status !== 'FAILED'
}
