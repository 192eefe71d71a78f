/** How far the workloads of the newest revision are. */
export type Readiness = {
  readonly ready: number
  readonly total: number
  /** All that is waited for is as its spec wants it. */
  readonly settled: boolean
  /** It can no longer become ready by waiting (a Job that failed for good). */
  readonly failed: boolean
  /** The first few objects that are not ready, and why. */
  readonly blockers: readonly string[]
  /** Broken pods of an abandoned StatefulSet revision, which its controller never replaces by itself. */
  readonly stuckPods: readonly PodRef[]
}
export type PodRef = { readonly name: string; readonly uid: string }
