/** How fast the simulated pods live, in milliseconds. */
export type PodSettings = {
  /** From the start of its containers until a pod is Ready, unless an annotation or its image says otherwise. */
  readonly readyMs: number
  /** How long a deleted pod takes to stop at most; a shorter grace period wins. */
  readonly terminateMs: number
  /** The first delay before a crashed container starts again; it doubles with each crash. */
  readonly crashBackoffMs: number
}

export const defaultPodSettings: PodSettings = { readyMs: 300, terminateMs: 200, crashBackoffMs: 10_000 }

/** The longest delay before a crashed container starts again. */
export const LONGEST_BACKOFF_MS = 300_000
