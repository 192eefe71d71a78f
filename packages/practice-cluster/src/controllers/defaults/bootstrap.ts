import { nodeNames, simulatedNode } from '../../pods/nodes.ts'
import { types } from '../../resources/table.ts'
import type { KubeInput, ResourceType, Store } from '../../store/types.ts'
import { defaultBindings, defaultRoles } from './roles.ts'

/** The namespaces that every cluster has. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const

/** Makes the namespaces, roles and nodes that a new cluster starts with; what is already there stays as it is. */
export function bootstrap(store: Store, now: number): void {
  for (const name of systemNamespaces) {
    const labels = { 'kubernetes.io/metadata.name': name }
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    ensure(store, types.namespaces, { ...namespace, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
  }
  for (const role of defaultRoles) ensure(store, types.clusterroles, role)
  for (const binding of defaultBindings) ensure(store, types.clusterrolebindings, binding)
  if (store.list(types.nodes).length > 0) return
  for (const [index, name] of nodeNames.entries()) ensure(store, types.nodes, simulatedNode(name, index + 1, now))
}

function ensure(store: Store, type: ResourceType, input: KubeInput): void {
  if (store.get(type, '', input.metadata.name ?? '') === undefined) store.create(type, input)
}
