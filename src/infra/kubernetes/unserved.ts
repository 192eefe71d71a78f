import type { Clock } from '../../core/instant.ts'
import { startDeadline } from './deadline.ts'
import { createDiscovery } from './discovery.ts'
import type { ClusterClient } from './types.ts'

/** A kind as an object names it. */
export type KindRef = { readonly apiVersion: string; readonly kind: string }

/** An act that has failed waits for it. */
const LONGEST_MS = 10_000

/**
 * The first of these kinds that the cluster does not know now, whatever was read of it before; null where it knows all. Throws
 * `ClusterError` when it does not answer, and the signal's reason or an `Error` where that or ten seconds for all are over before.
 */
export async function firstUnserved(
  { client, clock }: { readonly client: ClusterClient; readonly clock: Clock },
  kinds: readonly KindRef[],
  outer: AbortSignal,
): Promise<KindRef | null> {
  const discovery = createDiscovery(client, clock)
  const { signal, end } = startDeadline(clock, LONGEST_MS, outer)
  try {
    for (const each of kinds) {
      if ((await discovery.find(each.apiVersion, each.kind, { signal })) === null) return each
    }
    return null
  } finally {
    end()
  }
}
