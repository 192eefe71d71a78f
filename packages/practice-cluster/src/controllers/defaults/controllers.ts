import { types } from '../../resources/table.ts'
import type { KubeInput, KubeObject } from '../../store/types.ts'
import { NOTHING, type Write } from '../decision.ts'
import { hashOf } from '../hash.ts'
import { type Controller, itself } from '../runtime/controller.ts'

const ROOT_CA = 'kube-root-ca.crt'

/** Gives each namespace its default ServiceAccount and the ConfigMap with the root certificate. */
export function namespaceDefaults(rootCertificate: string): Controller {
  return {
    name: 'namespace-defaults',
    concerns: (change) => [
      ...itself(change, types.namespaces).map(({ name }) => ({ namespace: '', name })),
      ...(isDefault(change.object) && change.verb === 'DELETED'
        ? [{ namespace: '', name: change.object.metadata.namespace ?? '' }]
        : []),
    ],
    decide({ name }, { store }) {
      const namespace = store.get(types.namespaces, '', name)
      if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return NOTHING
      const writes: Write[] = []
      if (store.get(types.serviceaccounts, name, 'default') === undefined) {
        writes.push({ kind: 'create', type: types.serviceaccounts, input: serviceAccount(name) })
      }
      if (store.get(types.configmaps, name, ROOT_CA) === undefined) {
        writes.push({ kind: 'create', type: types.configmaps, input: rootCa(name, rootCertificate) })
      }
      return { writes }
    },
  }
}

const isDefault = ({ kind, metadata }: KubeObject): boolean =>
  (kind === 'ServiceAccount' && metadata.name === 'default') || (kind === 'ConfigMap' && metadata.name === ROOT_CA)

const serviceAccount = (namespace: string): KubeInput => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default', namespace },
})

const rootCa = (namespace: string, certificate: string): KubeInput => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: ROOT_CA, namespace },
  data: { 'ca.crt': certificate },
})

/** Binds every PersistentVolumeClaim at once to a volume that is not there. */
export const claimBinder: Controller = {
  name: 'persistentvolume-controller',
  concerns: (change) => itself(change, types.persistentvolumeclaims),
  decide({ namespace, name }, { store }) {
    const claim = store.get(types.persistentvolumeclaims, namespace, name)
    if (claim === undefined || (claim.status as { phase?: string } | undefined)?.phase === 'Bound') return NOTHING
    const spec = (claim.spec ?? {}) as {
      resources?: { requests?: unknown }
      accessModes?: unknown
      volumeName?: string
    }
    const bound = {
      ...claim,
      spec: { ...spec, volumeName: spec.volumeName ?? `simulated-${hashOf(claim.metadata.uid)}` },
    }
    const status = { phase: 'Bound', accessModes: spec.accessModes ?? [], capacity: spec.resources?.requests ?? {} }
    return {
      writes: [
        { kind: 'update', type: types.persistentvolumeclaims, object: bound },
        { kind: 'status', type: types.persistentvolumeclaims, object: { ...bound, status } },
      ],
    }
  },
}
