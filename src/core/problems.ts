import type { JsonObject } from './json.ts'

/**
 * Every error that a caller can meet, in one catalogue: its HTTP status and its title (RFC 9457).
 * SPEC section 1: 400 malformed or out of range, 409 wrong state or conflict, 422 well-formed but refused,
 * or carried out and failed.
 */
export const problemCatalogue = {
  malformed: { status: 400, title: 'The request is malformed' },
  invalid_cursor: { status: 400, title: 'The cursor is not one of this list' },
  host_not_allowed: { status: 400, title: 'The Host header is not allowed' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The role does not permit this' },
  namespace_not_owned: { status: 403, title: 'The namespace does not belong to the tenant' },
  not_found: { status: 404, title: 'There is no such thing' },
  chart_not_found: { status: 404, title: 'No chart source knows the chart' },
  chart_version_not_found: { status: 404, title: 'The chart has no such version' },
  revision_not_found: { status: 404, title: 'The release has no such revision' },
  no_active_execution: { status: 404, title: 'No upgrade execution is active' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The present state does not allow this' },
  name_taken: { status: 409, title: 'A release of that name exists in the namespace' },
  operation_in_progress: { status: 409, title: 'An operation is in progress on the release' },
  pending_elsewhere: { status: 409, title: 'Another hand is working on the release' },
  claimed_by_execution: { status: 409, title: 'An upgrade execution holds the release' },
  wrong_status: { status: 409, title: 'The status does not allow this command' },
  uninstall_unfinished: { status: 409, title: 'An uninstall is unfinished: uninstall again' },
  current_revision: { status: 409, title: 'The release is at that revision already' },
  nothing_to_roll_back_to: { status: 409, title: 'No earlier revision ended deployed' },
  revision_moved: { status: 409, title: 'The release is no longer at the previewed revision' },
  diff_changed: { status: 409, title: 'The change is no longer the previewed one' },
  execution_active: { status: 409, title: 'An upgrade execution of the component is active' },
  version_not_deployed: { status: 409, title: 'Another version is deployed' },
  not_frozen: { status: 409, title: 'The release is not frozen' },
  not_cancellable: { status: 409, title: 'The operation cannot be cancelled now' },
  digest_changed: { status: 409, title: 'The source serves other bytes for a known chart version' },
  namespace_taken: { status: 409, title: 'The namespace belongs to another tenant' },
  last_admin_key: { status: 409, title: 'The last valid admin key cannot be revoked' },
  in_use: { status: 409, title: 'It is still in use' },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  refused: { status: 422, title: 'The request is refused' },
  address_not_allowed: { status: 422, title: 'The address is not one that may be reached' },
  cannot_gate: { status: 422, title: 'The field that would hold the instances is set otherwise' },
  namespace_reserved: { status: 422, title: 'The namespace cannot be claimed' },
  chart_invalid: { status: 422, title: 'The chart cannot be used' },
  chart_unverified: { status: 422, title: 'The chart is not signed by a key that its source trusts' },
  chart_render_failed: { status: 422, title: 'The chart does not render with the values' },
  values_schema: { status: 422, title: 'The values do not fit the schema of the chart' },
  values_too_large: { status: 422, title: 'The values are too large or too deep' },
  outside_namespace: { status: 422, title: 'The chart reaches outside its namespace' },
  not_permitted: { status: 422, title: 'The cluster does not permit the tenant this' },
  release_too_large: { status: 422, title: 'The release record passes the limit of a Secret' },
  idempotency_mismatch: { status: 422, title: 'The key was used with another request' },
  hook_failed: { status: 422, title: 'A hook of the chart failed' },
  not_ready: { status: 422, title: 'The workloads did not become ready in time' },
  field_conflict: { status: 422, title: 'Another manager owns a field of the chart' },
  object_unrecorded: { status: 422, title: 'The cluster has an object that the newest revision lacks' },
  cluster_lost: { status: 422, title: 'The cluster stopped answering during the operation' },
  helm_failed: { status: 422, title: 'Helm reported a failure' },
  rolled_back: { status: 422, title: 'The upgrade failed and was rolled back' },
  rollback_failed: { status: 422, title: 'It failed, and so did the way back' },
  uninstall_incomplete: { status: 422, title: 'Objects of the release are still there' },
  timed_out: { status: 422, title: 'The operation passed its deadline' },
  interrupted: { status: 422, title: 'The operation was interrupted and is not repeated' },
  cancelled: { status: 422, title: 'The operation was cancelled' },
  changed_by_another_hand: { status: 422, title: 'Another hand changed the release meanwhile' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'An unexpected error' },
  unavailable: { status: 503, title: 'A part that is needed does not answer' },
  cluster_unavailable: { status: 503, title: 'The cluster does not answer' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export type ErrorCode = keyof typeof problemCatalogue

/** One wrong input: a JSON pointer into the body, or `query/NAME`, `path/NAME`, `header/NAME`. */
export type FieldError = { readonly pointer: string; readonly message: string }

/**
 * The one error that reaches a caller. `detail` holds no values, Secrets or credentials, and may be logged; `extra` holds
 * no more than the caller may read elsewhere (with an outcome its release and evidence), and is not.
 * Throw it from commands; the HTTP edge turns it into `application/problem+json`.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ErrorCode
  readonly errors: readonly FieldError[]
  readonly extra: JsonObject

  constructor(code: ErrorCode, detail: string, more: { errors?: readonly FieldError[]; extra?: JsonObject } = {}) {
    super(detail)
    this.code = code
    this.errors = more.errors ?? []
    this.extra = more.extra ?? {}
  }

  /** The HTTP status of the code. */
  get status(): number {
    return problemCatalogue[this.code].status
  }
}

/** A 400 that names one wrong field. */
export function malformed(pointer: string, message: string): Problem {
  return new Problem('malformed', `${pointer}: ${message}`, { errors: [{ pointer, message }] })
}
