import { isJsonObject, type Json } from '../../../core/json.ts'
import type { KeptSelector } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/**
 * The body of a write, where a Service that it selects anew goes on selecting by the labels that are kept. Helm applies a
 * selector whole, so that what somebody else has added would be gone the moment it does. Pure.
 */
export function keepSelectors(body: Buffer, object: ObjectLocation, keeps: readonly KeptSelector[]): Buffer {
  const kept = isService(object) ? keeps.find(({ service }) => service === object.name) : undefined
  if (kept === undefined) return body
  const wanted = readJson(body)
  if (!isJsonObject(wanted) || !isJsonObject(wanted.spec) || !isJsonObject(wanted.spec.selector)) return body
  const selector = { ...wanted.spec.selector, ...kept.labels }
  return Buffer.from(JSON.stringify({ ...wanted, spec: { ...wanted.spec, selector } }))
}

const isService = ({ group, resource }: ObjectLocation): boolean => group === '' && resource === 'services'

function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // No object that helm applies: the cluster says what is wrong with it.
    return null
  }
}
