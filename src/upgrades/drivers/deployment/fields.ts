import type { JsonObject } from '../../../core/json.ts'
import type { GatePosition } from '../../core/model.ts'
import { isResting } from '../../core/position.ts'
import type { Fields } from '../../store/gate-row.ts'
import { equivalentJson, numberOr, omit, pick, within } from '../gate/json.ts'
import type { Reading, Workload } from '../gate/model.ts'
import { withRendered } from './rendered.ts'

/**
 * A Deployment is held by availability (DESIGN.md, "a gate of availability"): pods of the new version become Ready and
 * never "available", so the controller stops at as many as `maxUnavailable` lets go and `maxSurge` lets come.
 */
const NEVER = 2_000_000_000
/** The longest that the API takes; it must be above `minReadySeconds`. */
const NO_DEADLINE = 2_147_483_647

/** New pods never count as available. Nothing may move before those that are there already count so, see `arming.ts`. */
const armed: Fields = { minReadySeconds: NEVER, progressDeadlineSeconds: NO_DEADLINE }

const names = ['paused', 'minReadySeconds', 'progressDeadlineSeconds', 'strategy'] as const
const adopted = ['minReadySeconds', 'progressDeadlineSeconds', 'strategy'] as const

export const fieldsOf = ({ spec }: Workload): Fields => pick(spec, names)

/** What a position sets to values of ours, the pause aside: no chart that is gated renders it. */
export function ours(position: GatePosition): Fields {
  if (position.kind === 'admitting') return isShut(position) ? armed : gated(position.upTo, position.surge)
  if (position.kind === 'reverting') return { strategy: reverting(position) }
  return {}
}

/** The fields in a position. */
export function wanted(live: Workload, originals: Fields, position: GatePosition): Fields {
  if (position.kind === 'none') return originals
  if (position.kind === 'reverting') {
    const rest = isResting(position) ? { paused: true } : {}
    return { ...omit(originals, 'paused', 'strategy'), strategy: reverting(position), ...rest }
  }
  if (position.kind === 'closed' || position.kind === 'halted') return { ...stopped(live), ...replacing(originals) }
  if (position.kind !== 'admitting') return stopped(live)
  if (isShut(position)) return { ...stopped(live), ...armed }
  return { ...gated(position.upTo, position.surge), ...(isResting(position) ? { paused: true } : {}) }
}

/**
 * Nothing moves, and all else stays as it is. A paused Deployment still scales: to `replicas + maxSurge`, so putting a
 * surge back would add pods; and away from the old version as soon as all of the new one count as available, so
 * availability is put back only when the template is that of the side that stays.
 */
function stopped(live: Workload): Fields {
  return { ...fieldsOf(live), paused: true }
}

/**
 * Where the chart replaces all at once, that is put back before helm runs: it applies the type alone, and the API refuses
 * that beside bounds of ours. Paused, a Deployment with this strategy moves no pod.
 */
function replacing({ strategy = null }: Fields): Fields {
  return within(strategy).type === 'Recreate' ? { strategy } : {}
}

function gated(upTo: number, surge: number): Fields {
  return { ...armed, strategy: rolling(upTo, surge) }
}

/** A rolling update that may neither take nor add a pod would never end, and the API refuses it. */
function reverting({ unavailable, surge }: Extract<GatePosition, { kind: 'reverting' }>): JsonObject {
  return rolling(surge === 0 ? Math.max(1, unavailable) : unavailable, surge)
}

function rolling(maxUnavailable: number, maxSurge: number): JsonObject {
  return { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } }
}

const isShut = ({ upTo, surge }: { readonly upTo: number; readonly surge: number }): boolean =>
  upTo === 0 && surge === 0

/**
 * The fields that keep the pods of a Deployment which has let some go already: helm may not write its own over them, or
 * the controller removes at once what is beyond them, of both versions. Null where none do.
 */
export function held(live: Workload): Fields | null {
  return live.spec?.paused === true && isArmed(live) ? pick(live.spec, adopted) : null
}

/** What helm has rendered since is what is to be put back at the end; what is still ours says nothing new. */
export function adopt(live: Workload, originals: Fields, wrote: Fields, rendered: Fields): Fields {
  const now = withRendered(fieldsOf(live), originals, rendered)
  const kept = adopted.filter((name) => isOurs(now, wrote, name))
  return { ...pick(originals, ['paused', ...kept]), ...omit(now, 'paused', ...kept) }
}

function isOurs(now: Fields, wrote: Fields, name: string): boolean {
  return wrote[name] !== undefined && equivalentJson(now[name], wrote[name])
}

/** True where pods of the present template count as never available. */
export const isArmed = ({ spec }: { readonly spec?: JsonObject }): boolean => spec?.minReadySeconds === NEVER

/** What the fields let happen. */
export function read({ spec = {} }: Workload): Reading {
  if (spec.paused === true) return { kind: 'held' }
  if (!isArmed({ spec })) return { kind: 'open' }
  const { maxUnavailable, maxSurge } = within(spec, 'strategy', 'rollingUpdate')
  return { kind: 'admits', upTo: numberOr(maxUnavailable, 0), surge: numberOr(maxSurge, 0) }
}
