import { ApiError, notFound, resourceDetails } from '../api/status.ts'
import { qualifiedName, types } from '../resources/table.ts'
import { jsonEqual } from '../store/equal.ts'
import type { KubeInput, KubeObject, ResourceType, Store } from '../store/types.ts'
import { findRole, isAllowed, type RoleRef, rulesOf, rulesOfRole } from './roles.ts'
import { missing, type Rule, ruleText } from './rules.ts'
import { isMaster, type User } from './user.ts'

type Reads = Pick<Store, 'get' | 'list'>

const ROLES: readonly ResourceType[] = [types.roles, types.clusterroles]
const BINDINGS: readonly ResourceType[] = [types.rolebindings, types.clusterrolebindings]
const EVERYTHING: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/**
 * Nobody gives away more than they hold: a role needs its rules or the verb `escalate`, a binding the rules of its role
 * or the verb `bind`. @throws ApiError 403, and 404 for a binding to a role that is not there.
 */
export function requireNoEscalation(
  store: Reads,
  user: User,
  type: ResourceType,
  object: KubeInput,
  old?: KubeObject,
): void {
  if (isMaster(user)) return
  if (ROLES.includes(type)) requireRole(store, user, type, object, old)
  if (BINDINGS.includes(type)) requireBinding(store, user, type, object, old)
}

function requireRole(store: Reads, user: User, type: ResourceType, object: KubeInput, old?: KubeObject): void {
  const unchanged = ['rules', 'aggregationRule'].every((field) => jsonEqual(old?.[field], object[field]))
  const { name = '', namespace = '' } = object.metadata
  if ((old !== undefined && unchanged) || mayUse(store, user, 'escalate', type, namespace, name)) return
  const rules = object.aggregationRule === undefined ? rulesOfRole(object) : EVERYTHING
  requireHeld(store, user, type, object, rules)
}

function requireBinding(store: Reads, user: User, type: ResourceType, object: KubeInput, old?: KubeObject): void {
  const unchanged = ['subjects', 'roleRef'].every((field) => jsonEqual(old?.[field], object[field]))
  if (old !== undefined && unchanged) return
  const { namespace = '' } = object.metadata
  const ref = object.roleRef as RoleRef
  const roleType = ref.kind === 'ClusterRole' ? types.clusterroles : types.roles
  if (mayUse(store, user, 'bind', roleType, namespace, ref.name)) return
  const role = findRole(store, ref, namespace)
  if (role === undefined) throw notFound(roleType, ref.name)
  requireHeld(store, user, type, object, rulesOfRole(role))
}

function mayUse(store: Reads, user: User, verb: string, type: ResourceType, namespace: string, name: string): boolean {
  const { group, plural } = type
  return isAllowed(store, user, { kind: 'resource', verb, group, resource: plural, subresource: '', namespace, name })
}

function requireHeld(store: Reads, user: User, type: ResourceType, object: KubeInput, rules: readonly Rule[]): void {
  const { name = '', namespace = '' } = object.metadata
  const lacking = missing(rulesOf(store, user, namespace), rules)
  if (lacking.length === 0) return
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ')
  const who = `user ${JSON.stringify(user.name)} (groups=[${groups}])`
  const what = [...new Set(lacking.map(ruleText))].sort().join('\n')
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${what}`
  const message = `${qualifiedName(type)} "${name}" is forbidden: ${why}`
  throw new ApiError(403, 'Forbidden', message, resourceDetails(type, name))
}
