import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Kept } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/**
 * The body of a write, where a Service that it selects anew goes on selecting by the labels that are kept, and a workload
 * keeps its number of instances. Helm applies a selector whole, so that what somebody else has added would be gone the
 * moment it does, and its number against that of whoever has scaled. Pure.
 */
export function keepFields(body: Buffer, object: ObjectLocation, keeps: readonly Kept[]): Buffer {
  const kept = keeps.find((one) => isOf(one, object))
  const wanted = kept === undefined ? null : readJson(body)
  if (kept === undefined || !isJsonObject(wanted) || !isJsonObject(wanted.spec)) return body
  const change = 'service' in kept ? selectorOf(wanted.spec, kept.labels) : replicasOf(wanted.spec, kept.replicas)
  return change === null ? body : Buffer.from(JSON.stringify({ ...wanted, spec: { ...wanted.spec, ...change } }))
}

function isOf(kept: Kept, { group, resource, name }: ObjectLocation): boolean {
  if ('service' in kept) return group === '' && resource === 'services' && kept.service === name
  return group === 'apps' && resource === kept.resource && kept.workload === name
}

const selectorOf = ({ selector }: JsonObject, labels: Readonly<Record<string, string>>): JsonObject | null =>
  isJsonObject(selector) ? { selector: { ...selector, ...labels } } : null

/** What does not say how many says nothing against it. */
const replicasOf = (spec: JsonObject, replicas: number): JsonObject | null =>
  typeof spec.replicas === 'number' ? { replicas } : null

function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // No object that helm applies: the cluster says what is wrong with it.
    return null
  }
}
