import type { KubeObject } from '../types.ts'
import type { Condition } from './workload-types.ts'

/** How one object stands. `reason` is null when it is as its spec wants it; `failed`: waiting cannot help. */
export type Judgement = {
  readonly ready: number
  readonly total: number
  readonly reason: string | null
  readonly failed: boolean
}

export const settled = (ready = 0, total = 0): Judgement => ({ ready, total, reason: null, failed: false })
export const waiting = (reason: string, ready = 0, total = 0): Judgement => ({ ready, total, reason, failed: false })
export const broken = (reason: string, ready = 0, total = 0): Judgement => ({ ready, total, reason, failed: true })

/** The first reason that holds decides; none: settled. */
export function firstReason(ready: number, total: number, reasons: readonly (string | false)[]): Judgement {
  const [reason] = reasons.filter((candidate) => candidate !== false)
  return reason === undefined ? settled(ready, total) : waiting(reason, ready, total)
}

/** True while the controller has not seen the newest spec: its status then speaks of an older one. */
export function isBehind(object: KubeObject, observedGeneration: number | undefined): boolean {
  return (observedGeneration ?? 0) < (object.metadata.generation ?? 0)
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type)
}

export const NOT_OBSERVED = 'the controller has not seen the newest spec yet'
