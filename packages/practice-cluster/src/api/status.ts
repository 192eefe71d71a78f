import { qualifiedName } from '../resources/table.ts'
import type { FieldError } from '../resources/validation/errors.ts'
import { type ResourceType, StoreError } from '../store/types.ts'

export type StatusCause = { readonly reason: string; readonly message: string; readonly field?: string }

export type StatusDetails = {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

/** An answer of the API that is a failure, worded as the real API server words it. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: StatusDetails | undefined

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.reason = reason
    this.details = details
  }
}

/** The `Status` object of a failure. */
export function statusBody(error: ApiError): Record<string, unknown> {
  const { code, reason, message, details } = error
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  }
}

const CODES = { NotFound: 404, AlreadyExists: 409, Conflict: 409, Forbidden: 403 } as const

/** What any thrown value answers; what nobody foresaw is a 500 without its inner text. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof StoreError) {
    return new ApiError(CODES[error.reason], error.reason, error.message, resourceDetails(error.type, error.objectName))
  }
  return new ApiError(500, 'InternalError', 'Internal error occurred: the practice cluster failed, see its log', {})
}

/** How a Status names an object: `kind` holds the plural there. */
export function resourceDetails(type: ResourceType, name: string): StatusDetails {
  return { ...(name === '' ? {} : { name }), ...(type.group === '' ? {} : { group: type.group }), kind: type.plural }
}

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message)

export const unknownPath = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})

export function notFound(type: ResourceType, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualifiedName(type)} "${name}" not found`, resourceDetails(type, name))
}

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

export const notAcceptable = (): ApiError =>
  new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json, protobuf', {})

export const expired = (message: string): ApiError => new ApiError(410, 'Expired', message)

/** The 422 for an object with these errors. */
export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): ApiError {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`)
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }))
  const details = { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind, causes }
  return new ApiError(
    422,
    'Invalid',
    `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${all}`,
    details,
  )
}
