/** What is kept of an operation that did not become ready. For the tenant only: it holds log lines. */
export type Evidence = {
  readonly workloads: readonly {
    readonly object: string
    readonly reason: string
    readonly events: readonly EventEvidence[]
  }[]
  readonly pods: readonly PodEvidence[]
  /** Something was left out: too long, out of time, or not readable. */
  readonly incomplete: boolean
}
export type PodEvidence = {
  readonly name: string
  readonly phase: string
  readonly reason: string | null
  readonly node: string | null
  readonly containers: readonly ContainerEvidence[]
  readonly events: readonly EventEvidence[]
}
export type ContainerEvidence = {
  readonly name: string
  readonly ready: boolean
  readonly restarts: number
  readonly state: string
  readonly message: string | null
  readonly exitCode: number | null
  readonly log: readonly string[]
}
export type EventEvidence = {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
}
