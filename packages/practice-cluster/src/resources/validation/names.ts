import type { ResourceType } from '../../store/types.ts'
import { type FieldError, invalidValue, requiredValue } from './errors.ts'

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
  "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** Kinds whose name is one DNS label; roles and the like may be named almost anything. */
const LABELS = new Set(['services', 'namespaces'])
const PATH_SEGMENTS = /^(roles|rolebindings|clusterroles|clusterrolebindings)$/

/** What is wrong with the names in an object's metadata. */
export function validateMetadata(type: ResourceType, metadata: Readonly<Record<string, unknown>>): FieldError[] {
  return [...validateName(type, metadata), ...validateLabels(metadata.labels)]
}

function validateName(type: ResourceType, { name, generateName }: Readonly<Record<string, unknown>>): FieldError[] {
  if (!name && !generateName) return [requiredValue('metadata.name', 'name or generateName is required')]
  if (!name || PATH_SEGMENTS.test(type.plural)) return []
  const text = String(name)
  const [pattern, limit, why] = LABELS.has(type.plural) ? [LABEL, 63, LABEL_TEXT] : [SUBDOMAIN, 253, SUBDOMAIN_TEXT]
  if (text.length > limit) {
    return [invalidValue('metadata.name', text, `must be no more than ${limit} characters`)]
  }
  return pattern.test(text) ? [] : [invalidValue('metadata.name', text, why)]
}

function validateLabels(labels: unknown): FieldError[] {
  return Object.entries((labels ?? {}) as Record<string, string>).flatMap(([key, value]) => {
    const [name = '', prefix] = key.split('/').reverse()
    const keyFits = QUALIFIED.test(name) && name.length <= 63 && (prefix === undefined || SUBDOMAIN.test(prefix))
    if (!keyFits) return [invalidValue('metadata.labels', key, 'name part must consist of alphanumeric characters')]
    const valueFits = value === '' || (QUALIFIED.test(value) && value.length <= 63)
    return valueFits ? [] : [invalidValue('metadata.labels', value, labelText(value))]
  })
}

const labelText = (value: string): string =>
  value.length > 63
    ? 'must be no more than 63 bytes'
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
      "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation " +
      "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
