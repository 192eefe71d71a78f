import { isUtf8 } from 'node:buffer'
import { isJsonObject, type Json } from '../../core/json.ts'
import { hidden } from './mask.ts'

/**
 * An object, or a part of one, without what stands where secrets stand (SPEC section 1): values of Secrets and of environment
 * variables, however deep: containers stand in pod templates of many kinds, and Secrets in objects of others. Names stay.
 */
export function withoutSecretPlaces(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutSecretPlaces)
  if (!isJsonObject(value)) return value
  const isSecret = value.kind === 'Secret'
  const entries = Object.entries(value).map(([key, inner]) => {
    if (isSecret && (key === 'data' || key === 'stringData')) return [key, hideAll(inner)]
    return [key, isEnvironment(key, inner) ? hideEnvironment(inner) : withoutSecretPlaces(inner)]
  })
  return Object.fromEntries(entries)
}

/** The texts in the `data` and `stringData` of Secrets, however deep these stand; what is encoded there decoded, unless it is binary. */
export function textsOfSecrets(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOfSecrets)
  if (!isJsonObject(value)) return []
  if (value.kind !== 'Secret') return Object.values(value).flatMap(textsOfSecrets)
  return [...scalarsOf(value.data).map(decoded), ...scalarsOf(value.stringData)]
}

function scalarsOf(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(scalarsOf)
  if (isJsonObject(value)) return Object.values(value).flatMap(scalarsOf)
  return value === null || value === undefined ? [] : [String(value)]
}

function decoded(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64')
  return isUtf8(bytes) && bytes.toString('base64') === encoded ? bytes.toString() : encoded
}

/** Objects of other kinds have variables as pods do, by names of their own such as `extraEnv`. */
function isEnvironment(key: string, inner: Json): boolean {
  if (key === 'env') return true
  const isVariable = (item: Json): boolean => isJsonObject(item) && 'name' in item && 'value' in item
  return /env/i.test(key) && Array.isArray(inner) && inner.some(isVariable)
}

function hideAll(map: Json): Json {
  return isJsonObject(map) ? Object.fromEntries(Object.keys(map).map((key) => [key, hidden])) : hidden
}

/** A list of variables as pods have it; elsewhere a map. */
function hideEnvironment(env: Json): Json {
  return Array.isArray(env) ? env.map(hideVariable) : hideAll(env)
}

/** What names a variable, or where its value comes from, is no secret. */
const kept = new Set(['name', 'valueFrom'])

function hideVariable(variable: Json): Json {
  if (!isJsonObject(variable)) return hidden
  return Object.fromEntries(Object.entries(variable).map(([key, inner]) => [key, kept.has(key) ? inner : hidden]))
}
