import type { ApiClient, Impersonation, Reply } from './client.ts'

export const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const apiVersion = 'rbac.authorization.k8s.io/v1'
const apiGroup = 'rbac.authorization.k8s.io'

export type RuleOf = {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly verbs: readonly string[]
}

export const role = (name: string, rules: readonly RuleOf[]) => ({
  apiVersion,
  kind: 'Role',
  metadata: { name },
  rules,
})
export const clusterRole = (name: string, rules: readonly RuleOf[], more: object = {}) => ({
  ...{ apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
  ...more,
})

type Subject = { readonly kind: string; readonly name: string; readonly namespace?: string }
const binding = (kind: string, name: string, roleKind: string, roleName: string, subject: Subject) => ({
  apiVersion,
  kind,
  metadata: { name },
  roleRef: { apiGroup, kind: roleKind, name: roleName },
  subjects: [subject.kind === 'ServiceAccount' ? subject : { ...subject, apiGroup }],
})

/** A RoleBinding or ClusterRoleBinding to `Role/NAME` or `ClusterRole/NAME`. */
export const roleBinding = (name: string, ref: string, subject: Subject) =>
  binding('RoleBinding', name, ref.split('/')[0] ?? '', ref.slice(ref.indexOf('/') + 1), subject)
export const clusterRoleBinding = (name: string, ref: string, subject: Subject) =>
  binding('ClusterRoleBinding', name, 'ClusterRole', ref, subject)

export const user = (name: string): Subject => ({ kind: 'User', name })
export const group = (name: string): Subject => ({ kind: 'Group', name })

/** A client's requests, made as somebody else. */
export function actingAs(client: ApiClient, impersonate: Impersonation, token?: string) {
  const as = { impersonate, ...(token === undefined ? {} : { token }) }
  return {
    get: (path: string): Promise<Reply> => client.send(path, { method: 'GET', ...as }),
    post: (path: string, body: unknown): Promise<Reply> => client.send(path, { method: 'POST', body, ...as }),
    put: (path: string, body: unknown): Promise<Reply> => client.send(path, { method: 'PUT', body, ...as }),
    delete: (path: string): Promise<Reply> => client.send(path, { method: 'DELETE', ...as }),
    apply: (path: string, body: unknown): Promise<Reply> =>
      client.send(`${path}?fieldManager=suite`, { method: 'PATCH', body, type: 'application/apply-patch+yaml', ...as }),
  }
}
