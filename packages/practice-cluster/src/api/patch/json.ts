import { applyPatch, type Operation } from 'rfc6902'
import { ApiError, badRequest } from '../status.ts'

/** JSON patch, RFC 6902. @throws ApiError 400 when it is no patch, 422 when an operation does not apply. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  const copy = structuredClone(target)
  const failure = applyPatch(copy, patch as Operation[]).find((error) => error !== null)
  if (failure === undefined) return copy
  const why = 'the server rejected our request due to an error in our request'
  throw new ApiError(422, 'Invalid', why, {})
}
