import type { ErrorCode } from '../../../core/problems.ts'
import { ActFailed, type Lease, LeaseLost } from '../../../infra/engine/index.ts'
import { ClusterError } from '../../../infra/kubernetes/index.ts'
import type { Held } from '../driver.ts'

/** What writes for one act: it looks at the lease right before each write, and knows whether anything was written. */
export class Hand {
  readonly #held: Held
  #changed = false
  #doubtful = false

  constructor(held: Held) {
    this.#held = held
  }

  get lease(): Lease {
    return this.#held.lease
  }

  /** Throws `LeaseLost` without having written when the lease is over, and why the act was ended when that was. */
  async write<T>(ask: (options: { readonly signal: AbortSignal }) => Promise<T>): Promise<T> {
    const { lease } = this.#held
    if (lease.signal.aborted || lease.remainingMs() === 0) throw new LeaseLost('The lease ran out')
    this.#held.signal.throwIfAborted()
    try {
      const answer = await ask({ signal: this.#held.signal })
      this.#changed = true
      return answer
    } catch (error) {
      if (error instanceof ClusterError && error.unreachable) this.#doubtful = true
      throw error
    }
  }

  /** The failure of the act, with what is known of the cluster. */
  failure(code: ErrorCode, detail: string): ActFailed {
    const result = this.#doubtful ? 'interrupted' : this.#changed ? 'changed-and-failed' : 'unchanged'
    return new ActFailed(result, { code, detail })
  }
}

/** Carries an act out. What the cluster refuses becomes `ActFailed`; its own words may hold values and stay out. */
export async function acting(held: Held, act: (hand: Hand) => Promise<void>): Promise<void> {
  const hand = new Hand(held)
  try {
    await act(hand)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    throw refusal(hand, error)
  }
}

function refusal(hand: Hand, error: ClusterError): ActFailed {
  if (error.unreachable) return hand.failure('cluster_lost', 'the cluster did not answer')
  if (error.isConflict) return hand.failure('conflict', 'the object was changed since it was read')
  if (error.isForbidden) return hand.failure('forbidden', 'the cluster does not let Flotilla do this')
  const isItsOwn = error.isBusy || error.status >= 500
  return hand.failure(
    isItsOwn ? 'cluster_unavailable' : 'refused',
    `the cluster refuses (${error.status} ${error.reason})`,
  )
}
