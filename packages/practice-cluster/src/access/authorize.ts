import { ApiError } from '../api/status.ts'
import type { Store } from '../store/types.ts'
import { isAllowed } from './roles.ts'
import type { Attributes } from './rules.ts'
import type { User } from './user.ts'

/** @throws ApiError 403 when no role of the user allows it. */
export function requireAllowed(store: Pick<Store, 'get' | 'list'>, user: User, wanted: Attributes): void {
  if (!isAllowed(store, user, wanted)) throw forbidden(user, wanted)
}

/** The refusal, worded as the API server words it. */
function forbidden({ name: who }: User, wanted: Attributes): ApiError {
  const user = `User ${JSON.stringify(who)} cannot ${wanted.verb}`
  if (wanted.kind === 'path') {
    return new ApiError(403, 'Forbidden', `forbidden: ${user} path ${JSON.stringify(wanted.path)}`, {})
  }
  const { group, resource, subresource, namespace, name } = wanted
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const subject = `${group === '' ? resource : `${resource}.${group}`}${name === '' ? '' : ` ${JSON.stringify(name)}`}`
  const text = `${subject} is forbidden: ${user} resource "${whole}" in API group "${group}" ${where}`
  const details = { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource }
  return new ApiError(403, 'Forbidden', text, details)
}
