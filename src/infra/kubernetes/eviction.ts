import { ClusterError } from './errors.ts'
import { objectPath, resources } from './resources.ts'
import type { Eviction, EvictionAnswer } from './types.ts'

/** The request of an eviction: path and body. Only this very pod, by its UID. */
export function evictionOf({ namespace, name, uid }: Eviction, dryRun: boolean) {
  const path = `${objectPath(resources.pods, { namespace, name })}/eviction${dryRun ? '?dryRun=All' : ''}`
  const deleteOptions = { preconditions: { uid }, ...(dryRun ? { dryRun: ['All'] } : {}) }
  return { path, body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions } }
}

/**
 * Admission denies it, or cannot tell without an eviction that is no dry run, or evicting is no right of ours. The API server has
 * answered: the same look shows the rest of the cluster, and whoever waits for the pod learns why it stays.
 */
const saysNo: ReadonlySet<number> = new Set([400, 403, 422])

/** What a failed eviction says. Throws the error where it says nothing about the pod. */
export function evictionAnswer(error: unknown): EvictionAnswer {
  if (!(error instanceof ClusterError)) throw error
  if (error.isAbsent || error.isConflict) return { kind: 'gone' }
  const causes = error.details.causes ?? []
  const budget = causes.find(({ reason }) => reason === 'DisruptionBudget')
  if (error.status === 429 && budget !== undefined) return { kind: 'refused', why: budget.message ?? error.message }
  if (saysNo.has(error.status)) return { kind: 'refused', why: error.message }
  // More than one budget for a pod, or a budget that cannot be computed: the server refuses with 500 and says so.
  if (error.status === 500 && /disruption\s?budget/i.test(error.message)) return { kind: 'refused', why: error.message }
  throw error
}
