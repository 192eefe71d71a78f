import { qualifiedName } from '../../resources/table.ts'
import type { KubeObject, ResourceType } from '../../store/types.ts'
import { badRequest } from '../status.ts'

export type FieldSelector = (object: KubeObject) => boolean

const EVENT_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
  (field) => `involvedObject.${field}`,
)

/** What each kind can be selected by, besides its name and namespace. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  secrets: ['type'],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  events: [...EVENT_FIELDS, 'reason', 'reportingComponent', 'source', 'type'],
  services: ['spec.clusterIP', 'spec.type'],
  replicationcontrollers: ['status.replicas'],
  'replicasets.apps': ['status.replicas'],
  'jobs.batch': ['status.successful'],
}

/**
 * Compiles a field selector: `metadata.name=a,status.phase!=Running`.
 * @throws ApiError 400 for a field that the kind cannot be selected by.
 */
export function parseFieldSelector(text: string, type: ResourceType): FieldSelector {
  const requirements = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => parseRequirement(part.trim(), type))
  return (object) => requirements.every((matches) => matches(object))
}

/** The name that a selector asks for, when it asks for one: a list can then look it up. */
export function selectedName(text: string): string | undefined {
  return /(?:^|,)metadata\.name==?([^,]+)(?:,|$)/.exec(text)?.[1]
}

function parseRequirement(text: string, type: ResourceType): FieldSelector {
  const [, field = '', operator = '', wanted = ''] = /^([^=!]+?)(==|=|!=)(.*)$/.exec(text) ?? []
  if (operator === '') throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`)
  const supported = ['metadata.name', 'metadata.namespace', ...(KNOWN[qualifiedName(type)] ?? [])]
  if (!supported.includes(field)) {
    const known = supported.slice(0, 2).map((each) => `"${each}"`)
    throw badRequest(`"${field}" is not a known field selector: only ${known.join(', ')}`)
  }
  const path = field.split('.')
  return (object) => (textAt(object, path) === wanted) === (operator !== '!=')
}

function textAt(object: unknown, path: readonly string[]): string {
  const value = path.reduce<unknown>((each, key) => (each as Record<string, unknown> | undefined)?.[key], object)
  return value === undefined || value === null ? '' : String(value)
}
