import type { Instant } from '../core/instant.ts'
import { Problem } from '../core/problems.ts'
import type { Tx } from '../infra/database/types.ts'
import type { Frozen } from '../releases/index.ts'
import type { ClaimedRelease, Execution } from './core/model.ts'
import { statusReasons } from './core/reasons.ts'
import type { UpgradePorts } from './ports.ts'

type Orders = UpgradePorts['releases']['orders']

/**
 * Brings the claims on the releases in step with what was decided, in the decision's own transaction: claimed from
 * VALIDATING on, shown as what happens, let go of at the end. In the order of their ids, so that two never block each
 * other. Throws the `Problem` of a release that cannot be claimed.
 */
export async function moveClaims(
  tx: Tx,
  orders: Orders,
  { before, after }: { readonly before: Execution; readonly after: Execution },
  now: Instant,
): Promise<void> {
  if (!movesClaims(before, after)) return
  const claims = [...after.claims].sort((a, b) => (a.releaseId < b.releaseId ? -1 : 1))
  const ref = ({ releaseId }: ClaimedRelease) => ({ releaseId, executionId: after.id })
  if (after.claiming && !before.claiming) {
    for (const claim of claims) await orders.claim(tx, ref(claim), now)
    return requireUnmoved(tx, orders, claims)
  }
  if (before.claiming && !after.claiming) {
    const frozen = frozenBy(after)
    for (const claim of claims) await orders.unclaim(tx, { ...ref(claim), frozen }, now)
  } else {
    for (const claim of claims) await orders.show(tx, ref(claim), shownAs(after), now)
  }
}

/** Whether `moveClaims` has anything to do. */
export function movesClaims(before: Execution, after: Execution): boolean {
  if (after.target.kind === 'rehearsal') return false
  return after.claiming !== before.claiming || (after.claiming && shownAs(before) !== shownAs(after))
}

const shownAs = ({ status }: Execution) => (status === 'ROLLING_BACK' ? 'PENDING_ROLLBACK' : 'PENDING_UPGRADE')

/** The locks of the claims are held: what was looked at before them must still be there. */
async function requireUnmoved(tx: Tx, orders: Orders, claims: readonly ClaimedRelease[]): Promise<void> {
  const sights = await orders.look(
    tx,
    claims.map(({ releaseId }) => ({ releaseId, operationIds: [] })),
  )
  for (const { releaseId, revision, secretUid } of claims) {
    const sight = sights.find((each) => each.releaseId === releaseId)
    if (sight?.revision === revision && sight.secretUid === secretUid) continue
    throw new Problem('revision_moved', `the release ${releaseId} moved meanwhile: start again`, {
      extra: { releaseId },
    })
  }
}

function frozenBy({ id, frozenVersions, statusReason }: Execution): Frozen | null {
  if (frozenVersions === null) return null
  const unjudged = statusReason === statusReasons.anotherHand ? ({ unjudged: true } as const) : {}
  return { executionId: id, versions: { ...frozenVersions }, ...unjudged }
}
