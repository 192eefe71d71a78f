import type { Attempt } from '../../core/decision.ts'
import type { HelmRevision, Operation, Present, ReleaseAct, ReleaseState, StoredRevision } from './model.ts'
import { isOurs } from './ownership.ts'

/**
 * A revision of ours that is not to stay as it is in Helm's storage: another hand has overtaken it while our helm ran, and
 * it is still pending, or was called `deployed` beside another one that is (docs/adr/0026). Null when there is none.
 */
export function unsettledBeneath(
  state: ReleaseState,
  operation: Operation,
  attempt: Attempt<ReleaseAct> | null,
  seen: Present,
): StoredRevision | null {
  const beneath = seen.stored.filter(({ revision }) => revision < seen.newest.revision)
  const unsettled = beneath.filter((one) => one.status.startsWith('pending-') || isDisputed(state, seen, one))
  return unsettled.find((one) => isOwn(state, operation, attempt, seen, one)) ?? null
}

/** Two are `deployed`, and this one did not end well: it was overtaken before its helm said so. */
function isDisputed({ revisions }: ReleaseState, { stored }: Present, one: StoredRevision): boolean {
  if (one.status !== 'deployed') return false
  const known = revisions.find(({ secretUid }) => secretUid === one.secretUid)
  const others = stored.filter(({ secretUid, status }) => secretUid !== one.secretUid && status === 'deployed')
  return others.length > 0 && known?.verdict !== 'DEPLOYED'
}

function isOwn(
  state: ReleaseState,
  operation: Operation,
  attempt: Attempt<ReleaseAct> | null,
  seen: Present,
  one: StoredRevision,
): boolean {
  const known = state.revisions.find(({ secretUid }) => secretUid === one.secretUid)
  if (known !== undefined) return known.operationId !== null
  return overtaken(state, operation, attempt, seen)?.secretUid === one.secretUid
}

/** The revision of our last attempt, where a newer one hides it and it is not mirrored yet; null when there is none. */
export function overtaken(
  state: ReleaseState,
  operation: Operation,
  attempt: Attempt<ReleaseAct> | null,
  seen: Present,
): HelmRevision | null {
  if (attempt?.result === 'unchanged') return null
  const mirrored = new Set(state.revisions.map(({ secretUid }) => secretUid))
  const unknown = seen.unknown.filter(({ secretUid }) => !mirrored.has(secretUid))
  return unknown.find((revision) => isOurs(state, operation, attempt, revision)) ?? null
}
