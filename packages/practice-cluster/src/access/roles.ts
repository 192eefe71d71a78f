import { types } from '../resources/table.ts'
import type { KubeInput, KubeObject, Store } from '../store/types.ts'
import type { Attributes, Rule } from './rules.ts'
import { allows } from './rules.ts'
import { accountOf, isMaster, type User } from './user.ts'

type Reads = Pick<Store, 'get' | 'list'>
type Subject = { readonly kind: string; readonly name: string; readonly namespace?: string }

/** The role that a binding gives. */
export type RoleRef = { readonly kind: string; readonly name: string }

const EVERYTHING: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Whether the user may do this. */
export function isAllowed(store: Reads, user: User, wanted: Attributes): boolean {
  const namespace = wanted.kind === 'resource' ? wanted.namespace : ''
  return isMaster(user) || rulesOf(store, user, namespace).some((rule) => allows(rule, wanted))
}

/** All that a user may do: in the namespace, or cluster-wide when it is ''. */
export function rulesOf(store: Reads, user: User, namespace: string): readonly Rule[] {
  if (isMaster(user)) return EVERYTHING
  const wide = store.list(types.clusterrolebindings).flatMap((each) => bound(store, each, user, ''))
  if (namespace === '') return wide
  const local = store.list(types.rolebindings, namespace).flatMap((each) => bound(store, each, user, namespace))
  return [...wide, ...local]
}

function bound(store: Reads, binding: KubeObject, user: User, namespace: string): readonly Rule[] {
  const subjects = (binding.subjects ?? []) as readonly Subject[]
  if (!subjects.some((subject) => isSubject(subject, user, namespace))) return []
  return rulesOfRole(findRole(store, binding.roleRef as RoleRef, namespace))
}

function isSubject({ kind, name, namespace = '' }: Subject, user: User, bindingNamespace: string): boolean {
  if (kind === 'User') return user.name === name
  if (kind === 'Group') return user.groups.includes(name)
  const account = accountOf(user.name)
  return account?.name === name && account.namespace === (namespace || bindingNamespace)
}

/** The role that a binding names, as it is now. */
export function findRole(store: Reads, { kind, name }: RoleRef, namespace: string): KubeObject | undefined {
  return kind === 'ClusterRole' ? store.get(types.clusterroles, '', name) : store.get(types.roles, namespace, name)
}

/** The rules of a role; none of one that is not there. */
export const rulesOfRole = (role: KubeInput | undefined): readonly Rule[] => (role?.rules ?? []) as readonly Rule[]
