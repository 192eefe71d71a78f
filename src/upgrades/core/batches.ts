/** How many instances may be unavailable at once (SPEC section 5, "Safety"). */
export function budgetOf(total: number, maxUnavailablePercentage: number): number {
  return Math.max(1, Math.floor((total * maxUnavailablePercentage) / 100))
}

/** How many instances are the canary: never all of them unless there is one only. */
export function canaryCountOf(total: number, canaryPercentage: number): number {
  const wanted = Math.max(1, Math.ceil((total * canaryPercentage) / 100))
  return total <= 1 ? total : Math.min(wanted, total - 1)
}

/** An instance that could be taken next. */
export type Candidate = { readonly ready: boolean }

/** What a batch may take. `leaves`: how many more may become unavailable; `size`: how many may be taken at all. */
export type Limits = { readonly leaves: number; readonly size: number; readonly ordered: boolean }

/**
 * Which of the candidates are taken, in the order given: one that is not ready costs nothing, one that is ready costs one
 * of `leaves`. Where the order is fixed, nobody is skipped.
 */
export function affordable<C extends Candidate>(candidates: readonly C[], limits: Limits): readonly C[] {
  const taken: C[] = []
  let leaves = limits.leaves
  for (const candidate of candidates) {
    if (taken.length >= limits.size) break
    if (candidate.ready && leaves <= 0) {
      if (limits.ordered) break
      continue
    }
    if (candidate.ready) leaves -= 1
    taken.push(candidate)
  }
  return taken
}

/** Those that are not ready first: replacing them costs nothing. The order among them stays. */
export function unreadyFirst<C extends Candidate>(candidates: readonly C[]): readonly C[] {
  if (candidates.every(({ ready }) => ready)) return candidates
  return [...candidates.filter(({ ready }) => !ready), ...candidates.filter(({ ready }) => ready)]
}
