/** What a `Status` of the API server says besides its code. */
export type StatusDetails = {
  readonly name?: string
  readonly kind?: string
  readonly retryAfterSeconds?: number
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[]
}

type Facts = {
  readonly status: number
  readonly reason: string
  readonly message: string
  readonly details?: StatusDetails
  readonly cause?: unknown
}

/**
 * A request that did not succeed. `status` is the HTTP status, 0 when no answer came. `reason` is the server's own word
 * (`NotFound`, `Conflict`, `Expired`, …) or ours: `Unreachable`, `Timeout`, `Malformed`.
 * The message is the server's: it may name objects and fields, and is not shown to callers of other tenants.
 */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly status: number
  readonly reason: string
  readonly details: StatusDetails

  constructor({ status, reason, message, details, cause }: Facts) {
    super(message, cause === undefined ? {} : { cause })
    this.status = status
    this.reason = reason
    this.details = details ?? {}
  }

  /** No answer that can be trusted: the object may be there or not, a write may have happened or not. */
  get unreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }

  /** The server says that the object of that name is not there. A kind that it does not serve is not "absent". */
  get isAbsent(): boolean {
    return this.status === 404 && this.reason === 'NotFound' && (this.details.name ?? '') !== ''
  }

  /** A write met another version, UID or owner than it expected, or the object exists already. */
  get isConflict(): boolean {
    return this.status === 409
  }

  /** The version asked for is no longer kept: list again. */
  get isExpired(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone'
  }

  /** The credentials do not suffice: trying again does not help. */
  get isForbidden(): boolean {
    return this.status === 401 || this.status === 403
  }

  /** The server has answered, and will not: to ask again does not help. */
  get isRefused(): boolean {
    return this.status >= 400 && this.status < 500 && !this.isBusy
  }

  /** The server asks for patience. */
  get isBusy(): boolean {
    return this.status === 429 || this.status === 503
  }
}
