import { type Instant, seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { deployedFields } from '../follow.ts'
import type { HelmRevision, Operation, Phase, Release } from '../model.ts'
import { ended } from '../outcome.ts'
import type { PodRef, Readiness } from '../readiness.ts'
import { fail } from './failing.ts'
import { appVersionOf, goOn, type Look, ownRecord, type PhaseHandler, revisionFields } from './look.ts'
import { anotherHand } from './yielding.ts'

type Waiting = Extract<Phase, { name: 'waiting' }>

/** Waits for the workloads, in Flotilla rather than in helm: the wait can be cancelled and evidence is kept first. */
export const waiting: PhaseHandler<Waiting> = (look) => {
  const { seen, operation, now } = look
  const changed = changedMeanwhile(look)
  if (changed !== null || seen.kind === 'absent') return anotherHand(look, changed ?? '')
  const { newest, readiness } = seen
  if (operation.cancelRequested)
    return fail(look, { code: 'cancelled', detail: 'the operation was cancelled while waiting' })
  if (!waits(operation)) return succeed(look, newest)
  if (readiness === null) return lookAgain(look, null)
  if (readiness.stuckPods.length > 0 && goesBack(operation)) return unstick(look, readiness.stuckPods)
  if (readiness.settled) return succeed(look, newest)
  if (readiness.failed || now >= (operation.deadline ?? now)) return fail(look, notReady(readiness))
  return lookAgain(look, readiness)
}

/** What another hand did to the revision that is waited for, or null. */
export function changedMeanwhile({ seen, state }: Look): string | null {
  if (seen.kind === 'absent') return 'Helm has no record of the release any more'
  const { secretUid, status, revision } = seen.newest
  const own = secretUid === state.release.secretUid && status === 'deployed'
  return own ? null : `revision ${revision} is ${status} by another hand`
}

/** What goes back waits in any case. */
export const waits = (operation: Operation): boolean => operation.request.wait || operation.reverting !== null

const goesBack = (operation: Operation): boolean => operation.kind === 'rollback' || operation.reverting !== null

function notReady(readiness: Readiness) {
  const what = readiness.blockers.length === 0 ? 'nothing says why' : readiness.blockers.join('; ')
  const count = readiness.ready === readiness.total ? '' : `${readiness.ready} of ${readiness.total} ready: `
  return { code: 'not_ready', detail: `${count}${what}` } as const
}

/** A StatefulSet with OrderedReady never replaces a broken pod of the abandoned revision by itself (SPEC section 3). */
function unstick(look: Look, pods: readonly PodRef[]): ReleaseDecision {
  const { operation, now } = look
  const act = { kind: 'removeStuckPods', operationId: operation.id, pods } as const
  const pauseOver = (look.attempt?.act.kind === act.kind ? (look.attempt.endedAt ?? now) : 0) + seconds(2)
  if (now < pauseOver) return lookAgain(look, null)
  return goOn(look, { operation, act: { act, baseline: {}, deadline: now + seconds(60) } })
}

function lookAgain(look: Look, readiness: Readiness | null): ReleaseDecision {
  const { operation, now, state } = look
  const until = Math.min(now + pace(operation, now), Math.max(operation.deadline ?? now, now + 1))
  const detail = readiness?.blockers.join('; ') ?? ''
  const waitingFor = { reason: 'WORKLOADS_NOT_READY', until, ...(detail === '' ? {} : { detail }) }
  const health = readiness === null ? state.release.health : healthOf(readiness, now)
  return goOn(look, { operation, waitingFor, release: { health } })
}

/** Often at first, then more seldom: a quarter of the time it has taken so far, between 0.25 and 5 seconds. */
function pace(operation: Operation, now: Instant): number {
  const taken = now - (operation.startedAt ?? now)
  return Math.min(Math.max(Math.floor(taken / 4), 250), seconds(5))
}

/** What was seen of the workloads, as the health that the release then has. */
export function healthOf(readiness: Readiness, now: Instant): Release['health'] {
  return { ready: readiness.ready, total: readiness.total, observedAt: now }
}

/** All is there: the release is DEPLOYED, on the revision of this operation. */
export function succeed(look: Look, newest: HelmRevision): ReleaseDecision {
  const { state, operation, now, seen } = look
  const readiness = seen.kind === 'present' ? seen.readiness : null
  const change: Partial<Release> = {
    ...revisionFields(newest),
    ...deployedFields(newest),
    appVersion: appVersionOf(look, newest),
    status: 'DEPLOYED',
    frozen: null,
    performedBy: operation.performedBy,
    description: operation.request.description,
    health: readiness === null ? state.release.health : healthOf(readiness, now),
  }
  const mirrored = [ownRecord(look, newest, 'DEPLOYED')]
  if (operation.reverting === null)
    return ended(state, operation, { status: 'SUCCEEDED', error: null }, change, now, mirrored)
  const { failure, target } = operation.reverting
  const code = failure.code === 'cancelled' ? 'cancelled' : 'rolled_back'
  const error = { code, detail: `${failure.detail}; rolled back to revision ${target}` } as const
  return ended(state, operation, { status: 'FAILED', error }, change, now, mirrored)
}
