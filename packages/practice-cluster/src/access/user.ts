/** Who makes a request. */
export type User = {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** Its members may do everything, whatever the roles say. */
export const MASTERS = 'system:masters'
export const AUTHENTICATED = 'system:authenticated'

/** The owner of the cluster's kubeconfig. */
export const admin: User = { name: 'practice-admin', groups: [MASTERS, AUTHENTICATED] }

export const isMaster = ({ groups }: User): boolean => groups.includes(MASTERS)

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/

/** The user that a ServiceAccount is. */
export function accountUser(namespace: string, name: string, uid: string): User {
  const groups = [...accountGroups(namespace), AUTHENTICATED]
  return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups }
}

/** The groups that every ServiceAccount of a namespace is in. */
export const accountGroups = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
]

/** Namespace and name of the ServiceAccount that a user name stands for. */
export function accountOf(username: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = ACCOUNT.exec(username) ?? []
  return namespace === undefined || name === undefined ? undefined : { namespace, name }
}
