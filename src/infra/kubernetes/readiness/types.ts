/** An object as people name it: `Deployment web`. */
export type NamedObject = { readonly kind: string; readonly name: string }

/** Why something is not finished, in words that may be shown. `failed`: waiting cannot help any more. */
export type Blocker = { readonly object: NamedObject; readonly reason: string; readonly failed: boolean }

/** How far the workloads are. */
export type Readiness = {
  /** Instances (pods of Deployments, StatefulSets, DaemonSets and the like) that are ready, and that are wanted. */
  readonly ready: number
  readonly total: number
  /** All is as its spec wants it, jobs included where they were asked for. */
  readonly settled: boolean
  /** Waiting cannot help any more. */
  readonly failed: boolean
  readonly blockers: readonly Blocker[]
}
