import { ruleName } from '../resources/table.ts'
import { unsupportedValue } from '../resources/validation/errors.ts'
import type { DeleteOptions, KubeObject, PropagationPolicy } from '../store/types.ts'
import { StoreError } from '../store/types.ts'
import { type Answer, type Api, type Call, isDryRun, parseBody, type Target } from './call.ts'
import { isSelected, selectionOf } from './read.ts'
import { formOf, listText, objectText } from './representation.ts'
import { ApiError, invalid, resourceDetails } from './status.ts'

type Options = DeleteOptions & { readonly orphanDependents?: boolean }

const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan'] satisfies PropagationPolicy[]

/** The kinds whose deletion is answered with the object itself, also when it is gone. */
const SHOWN_WHEN_REMOVED = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'podtemplates',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'storageclasses',
  'namespaces',
])

/** DELETE of one object: a Status when it is gone, the object itself when something still holds it. */
export function deleteObject(api: Api, call: Call, target: Target): Answer {
  const { type, namespace = '', name = '' } = target
  const { object, removed } = removeObject(api, target, namespace, name, readOptions(call))
  if (removed && !SHOWN_WHEN_REMOVED.has(ruleName(type))) return { status: 200, body: success(target, object) }
  return { status: 200, body: objectText(type, object, formOf(call.accept), 'Metadata') }
}

/** Namespaces without which there is no cluster. */
const IMMORTAL: readonly string[] = ['default', 'kube-system', 'kube-public']

/** Deletes one object. @throws ApiError 403, 404, or 409 worded as a failed precondition of a deletion is. */
export function removeObject(api: Api, { type }: Target, namespace: string, name: string, options: DeleteOptions) {
  if (ruleName(type) === 'namespaces' && IMMORTAL.includes(name)) {
    const message = `namespaces "${name}" is forbidden: this namespace may not be deleted`
    throw new ApiError(403, 'Forbidden', message, resourceDetails(type, name))
  }
  try {
    return api.store.delete(type, type.namespaced ? namespace : '', name, options)
  } catch (error) {
    throw error instanceof StoreError && error.reason === 'Conflict'
      ? preconditionFailed(error, type.kind, name)
      : error
  }
}

/** The real server names the kind, not the plural, when a precondition of a deletion fails. */
function preconditionFailed(error: StoreError, kind: string, name: string): ApiError {
  const [, wanted, found] = /UID in precondition: (\S+), UID in object meta: (\S+)/.exec(error.message) ?? []
  if (wanted === undefined) return new ApiError(409, 'Conflict', error.message, { name, kind })
  const why =
    `the UID in the precondition (${wanted}) does not match the UID in record (${found}). ` +
    'The object might have been deleted and then recreated'
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${kind} "${name}": ${why}`, { name, kind })
}

/** DELETE of a collection: every selected object. */
export function deleteObjects(api: Api, call: Call, target: Target): Answer {
  const options = readOptions(call)
  const selection = selectionOf(call, target.type)
  const selected = api.store.list(target.type, target.namespace).filter((object) => isSelected(selection, object))
  for (const { metadata } of selected) removeObject(api, target, metadata.namespace ?? '', metadata.name, options)
  const metadata = { resourceVersion: String(api.store.version) }
  return { status: 200, body: listText(target.type, selected, metadata, formOf(call.accept), 'Metadata') }
}

/** The options of a deletion, from the body and the query. @throws ApiError 400. */
export function readOptions(call: Call): DeleteOptions {
  const body = (call.body.length === 0 ? {} : parseBody(call)) as Options & { dryRun?: unknown }
  const policy = body.propagationPolicy ?? call.query.get('propagationPolicy') ?? undefined
  if (policy !== undefined && !POLICIES.includes(policy)) {
    throw invalid('meta.k8s.io', 'DeleteOptions', '', [
      unsupportedValue('propagationPolicy', policy, [...POLICIES, 'nil']),
    ])
  }
  const grace = body.gracePeriodSeconds ?? call.query.get('gracePeriodSeconds') ?? undefined
  return {
    dryRun: isDryRun(call.query) || (Array.isArray(body.dryRun) && body.dryRun.includes('All')),
    preconditions: body.preconditions,
    propagationPolicy: (policy as PropagationPolicy | undefined) ?? (body.orphanDependents ? 'Orphan' : undefined),
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
  }
}

function success({ type }: Target, { metadata }: KubeObject): string {
  const group = type.group === '' ? {} : { group: type.group }
  const details = { name: metadata.name, ...group, kind: type.plural, uid: metadata.uid }
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
}
