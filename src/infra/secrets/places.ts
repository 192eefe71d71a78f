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
    return [key, key === 'env' ? hideEnvironment(inner) : withoutSecretPlaces(inner)]
  })
  return Object.fromEntries(entries)
}

function hideAll(map: Json): Json {
  return isJsonObject(map) ? Object.fromEntries(Object.keys(map).map((key) => [key, hidden])) : hidden
}

/** A list of variables as pods have it; elsewhere a map. */
function hideEnvironment(env: Json): Json {
  return Array.isArray(env) ? env.map(hideVariable) : hideAll(env)
}

function hideVariable(variable: Json): Json {
  if (!isJsonObject(variable)) return hidden
  return 'value' in variable ? { ...variable, value: hidden } : variable
}
