/*
 * A freeze ends for another hand so that its change takes effect. Of a revision that has failed, or is pending, nothing can
 * while all that is held has the pod templates with which it was frozen: ended for it, the freeze would let every instance go to
 * the version that was given up (docs/adr/0067).
 */
import type { HelmRevision, Present, Release, ReleaseState } from './model.ts'
import { isPending } from './ownership.ts'
import { openOperation } from './situation.ts'

/** Whether what is held has the pod templates with which it was left frozen; `unknown`: with which was not noted, or nothing is held. */
export type HeldTemplates = NonNullable<Present['heldTemplates']>

/** True for a newest revision that has changed nothing of what is held, and can change nothing unless it still applies. */
export const isWithoutEffect = ({ newest, heldTemplates }: Present): boolean =>
  heldTemplates === 'same' && mayBeWithoutEffect(newest)

/** What is deployed, superseded, or being uninstalled has taken effect, whatever it has changed. */
const mayBeWithoutEffect = (newest: HelmRevision): boolean => newest.status === 'failed' || isPending(newest)

/** How a revision of another hand stands, if it is the newest: it may be without effect; null where it has had some. */
export function standsOfHand({
  status,
  pendingBy,
}: Pick<Release, 'status' | 'pendingBy'>): 'pending' | 'failed' | null {
  if (pendingBy === 'external') return status.startsWith('PENDING_') ? 'pending' : null
  return status === 'FAILED' ? 'failed' : null
}

/**
 * True where a revision of another hand that had none when it was followed has got effect: pending, it has applied since; or
 * it was there when the fleet was left frozen, and what is held says otherwise.
 */
function hasGotEffect({ release, revisions }: ReleaseState, { newest, heldTemplates }: Present): boolean {
  const isByHand = revisions.some(
    ({ secretUid, operationId }) => secretUid === newest.secretUid && operationId === null,
  )
  const isOpen = isPending(newest) || release.frozen?.unjudged === true
  return isByHand && isOpen && heldTemplates !== undefined && heldTemplates !== 'same'
}

/**
 * True where a look at a frozen release, at rest or settled by force, has to tell its pod templates: its newest revision is not deployed, and whether it has
 * had an effect is not said for good. What is known of a failed one is.
 */
export function asksTemplates(state: ReleaseState, newest: HelmRevision, isKnown: boolean): boolean {
  const { claim, frozen } = state.release
  const operation = openOperation(state)
  const isOurs = claim === null && (operation === null || operation.kind === 'recover')
  if (!isOurs || frozen === null || frozen.over || !mayBeWithoutEffect(newest)) return false
  return !isKnown || isPending(newest) || frozen.unjudged === true
}

/**
 * The freeze, with what this look says of the revision that is beside it: one that has got effect has ended it, for good; without
 * one it is as any other.
 */
export function freezeJudged(state: ReleaseState, seen: Present): ReleaseState {
  const { release } = state
  const { frozen } = release
  if (frozen === null || frozen.over || release.claim !== null) return state
  if (hasGotEffect(state, seen)) return { ...state, release: { ...release, frozen: { ...frozen, over: true } } }
  if (frozen.unjudged !== true || !isWithoutEffect(seen)) return state
  const { unjudged: _, ...left } = frozen
  return { ...state, release: { ...release, frozen: left } }
}
