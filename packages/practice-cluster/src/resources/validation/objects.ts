import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput, KubeObject, ResourceType } from '../../store/types.ts'
import { versionOf } from '../custom/kinds.ts'
import { customErrors } from '../custom/validation.ts'
import { ruleName } from '../table.ts'
import { type FieldError, forbiddenValue, invalidValue, requiredValue } from './errors.ts'
import { validateMetadata } from './names.ts'
import { daemonSetErrors, deploymentErrors, statefulSetErrors } from './strategies.ts'

type Values = Readonly<Record<string, unknown>>
type Rule = (object: KubeInput, old: KubeObject | undefined) => FieldError[]

const MAX_DATA_BYTES = 1_048_576

/** What is wrong with an object that is about to be stored; nothing when the list is empty. */
export function validate(type: ResourceType, object: KubeInput, old: KubeObject | undefined): FieldError[] {
  const metadata = old === undefined ? validateMetadata(type, object.metadata) : []
  const schema = versionOf(type)?.schema?.openAPIV3Schema
  const custom = schema === undefined ? [] : customErrors(object, schema)
  return [...metadata, ...custom, ...(RULES[ruleName(type)]?.(object, old) ?? [])]
}

const values = (value: unknown): Values => (value ?? {}) as Values
const items = (value: unknown): readonly Values[] => (Array.isArray(value) ? value : [])

const immutableField = (field: string, value: unknown): FieldError => invalidValue(field, value, 'field is immutable')

function dataRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  return [...sizeErrors(object), ...keyErrors(object), ...immutableData(object, old)]
}

function sizeErrors(object: KubeInput): FieldError[] {
  const text = Object.values(values(object.data)) as string[]
  const secret = object.kind === 'Secret'
  const plain = text.reduce((sum, each) => sum + (secret ? bytesOfBase64(each) : Buffer.byteLength(each)), 0)
  const binary = Object.values(values(object.binaryData)) as string[]
  if (binary.reduce((sum, each) => sum + bytesOfBase64(each), plain) <= MAX_DATA_BYTES) return []
  const message = `Too long: may not be more than ${MAX_DATA_BYTES} bytes`
  return [{ reason: 'FieldValueTooLong', field: secret ? 'data' : '', message }]
}

function bytesOfBase64(text: string): number {
  return Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : Number(text.endsWith('=')))
}

function keyErrors(object: KubeInput): FieldError[] {
  const keys = Object.keys({ ...values(object.data), ...values(object.binaryData) })
  const why =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or " +
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
  return keys.filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key)).map((key) => invalidValue(`data[${key}]`, key, why))
}

function immutableData(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  if (old === undefined) return []
  const type = jsonEqual(object.type, old.type) ? [] : [immutableField('type', object.type)]
  if (old.immutable !== true) return type
  const changed = ['data', 'binaryData'].filter((field) => !jsonEqual(object[field], old[field]))
  return [...type, ...changed.map((field) => forbiddenValue(field, 'field is immutable when `immutable` is set'))]
}

function workloadRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  const spec = values(object.spec)
  const template = values(spec.template)
  return [
    ...replicasErrors(spec),
    ...selectorErrors(spec, template, old),
    ...podErrors(values(template.spec), 'spec.template.spec'),
  ]
}

function replicasErrors({ replicas }: Values): FieldError[] {
  if (typeof replicas !== 'number' || replicas >= 0) return []
  return [invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0')]
}

function selectorErrors(spec: Values, template: Values, old: KubeObject | undefined): FieldError[] {
  const selector = values(spec.selector)
  const labels = values(template.metadata).labels
  const wanted = Object.entries(values(selector.matchLabels))
  const missing = spec.selector === undefined ? [requiredValue('spec.selector')] : []
  const matches = wanted.every(([key, value]) => values(labels)[key] === value) && spec.selector !== undefined
  const why = '`selector` does not match template `labels`'
  const mismatch = matches ? [] : [invalidValue('spec.template.metadata.labels', labels, why)]
  const before = values(old?.spec).selector
  const moved = old !== undefined && !jsonEqual(before, spec.selector)
  return [...missing, ...mismatch, ...(moved ? [immutableField('spec.selector', spec.selector)] : [])]
}

function podErrors(pod: Values, path: string): FieldError[] {
  const containers = items(pod.containers)
  const none = containers.length === 0 ? [requiredValue(`${path}.containers`)] : []
  return [...none, ...containers.flatMap((each, i) => containerErrors(each, `${path}.containers[${i}]`))]
}

function containerErrors({ name, image }: Values, path: string): FieldError[] {
  return [...(name ? [] : [requiredValue(`${path}.name`)]), ...(image ? [] : [requiredValue(`${path}.image`)])]
}

/** The fields of a StatefulSet that may change after its creation. */
const STATEFUL_SET_MAY_CHANGE = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
])

function statefulSetRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  const workload = workloadRule(object, old).filter((error) => error.field !== 'spec.selector' || old === undefined)
  const errors = [...workload, ...statefulSetErrors(object)]
  if (old === undefined) return errors
  const [before, after] = [values(old.spec), values(object.spec)]
  const fields = new Set([...Object.keys(before), ...Object.keys(after)])
  const frozen = [...fields].filter((field) => !STATEFUL_SET_MAY_CHANGE.has(field))
  if (frozen.every((field) => jsonEqual(before[field], after[field]))) return errors
  const allowed =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  return [...errors, forbiddenValue('spec', allowed)]
}

function jobRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  const spec = values(object.spec)
  const template = values(values(spec.template).spec)
  const errors = podErrors(template, 'spec.template.spec')
  const policy = template.restartPolicy
  if (policy !== 'Never' && policy !== 'OnFailure') {
    errors.push(requiredValue('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"'))
  }
  const fixed = old !== undefined && !jsonEqual(values(old.spec).template, spec.template)
  return fixed ? [...errors, immutableField('spec.template', spec.template)] : errors
}

function serviceRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  const spec = values(object.spec)
  const { ports, type, clusterIP } = spec as { ports?: unknown; type?: unknown; clusterIP?: unknown }
  const needsPorts = type !== 'ExternalName' && clusterIP !== 'None' && items(ports).length === 0
  const before = values(old?.spec).clusterIP
  const moved = before !== undefined && before !== clusterIP && type !== 'ExternalName'
  return [
    ...(needsPorts ? [requiredValue('spec.ports')] : []),
    ...(moved ? [{ ...immutableField('spec.clusterIPs[0]', [clusterIP]) }] : []),
  ]
}

function roleBindingRule(object: KubeInput, old: KubeObject | undefined): FieldError[] {
  if (!values(object.roleRef).name) return [requiredValue('roleRef.name')]
  if (old === undefined || jsonEqual(old.roleRef, object.roleRef)) return []
  return [invalidValue('roleRef', object.roleRef, 'cannot change roleRef')]
}

function definitionRule({ metadata, spec }: KubeInput): FieldError[] {
  const { group, names } = values(spec) as { group?: string; names?: { plural?: string } }
  const why = 'must be spec.names.plural+"."+spec.group'
  return metadata.name === `${names?.plural}.${group}` ? [] : [invalidValue('metadata.name', metadata.name, why)]
}

const RULES: Readonly<Record<string, Rule>> = {
  configmaps: dataRule,
  secrets: dataRule,
  deployments: (object, old) => [...workloadRule(object, old), ...deploymentErrors(object)],
  replicasets: workloadRule,
  daemonsets: (object, old) => [...workloadRule(object, old), ...daemonSetErrors(object)],
  statefulsets: statefulSetRule,
  jobs: jobRule,
  services: serviceRule,
  rolebindings: roleBindingRule,
  clusterrolebindings: roleBindingRule,
  customresourcedefinitions: definitionRule,
  pods: (object) => podErrors(values(object.spec), 'spec'),
}
