import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { ClusterError, type StatusDetails } from './errors.ts'

/** The error of an answer that is not a success: from its `Status`, or from the bare HTTP status without one. */
export function errorOfAnswer(httpStatus: number, body: string, retryAfter?: string): ClusterError {
  const status = parseStatus(body)
  if (status === null) {
    const details = withRetryAfter({}, retryAfter)
    return new ClusterError({ status: httpStatus, reason: 'Unknown', message: `HTTP ${httpStatus}`, details })
  }
  return errorOfStatus({ ...status, code: httpStatus }, retryAfter)
}

/** The error of a `Status` object, as it also comes in the middle of a watch. */
export function errorOfStatus(status: JsonObject, retryAfter?: string): ClusterError {
  const details = isJsonObject(status.details) ? (status.details as StatusDetails) : {}
  return new ClusterError({
    status: typeof status.code === 'number' ? status.code : 500,
    reason: typeof status.reason === 'string' ? status.reason : 'Unknown',
    message: typeof status.message === 'string' ? status.message : 'the server gave no reason',
    details: withRetryAfter(details, retryAfter),
  })
}

/** The error of a request that got no answer. */
export function errorOfFailure(cause: unknown): ClusterError {
  if (cause instanceof ClusterError) return cause
  const said = cause instanceof Error ? cause.message : String(cause)
  const message = `the cluster does not answer: ${said}`
  return new ClusterError({ status: 0, reason: 'Unreachable', message, cause })
}

/** Parses the JSON object of a successful answer. Throws `ClusterError`: what cannot be read is not absent. */
export function parseObject(body: string, what: string): JsonObject {
  const parsed = parseJson(body)
  if (isJsonObject(parsed)) return parsed
  throw new ClusterError({ status: 0, reason: 'Malformed', message: `${what}: the answer is not a JSON object` })
}

function parseStatus(body: string): JsonObject | null {
  const parsed = parseJson(body)
  return isJsonObject(parsed) && parsed.kind === 'Status' ? parsed : null
}

function parseJson(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json
  } catch {
    return undefined
  }
}

function withRetryAfter(details: StatusDetails, header: string | undefined): StatusDetails {
  const seconds = Number(header)
  return header !== undefined && Number.isFinite(seconds) ? { ...details, retryAfterSeconds: seconds } : details
}
