import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Kept, KeptFields } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/** An object that helm sends, whole or as a patch. */
type Sent = JsonObject & { readonly spec: JsonObject }

/** Whether a body tells all of an object, so that what it leaves out may go, or only what is to change. */
export type Says = 'whole' | 'changes'

/**
 * Server-side apply takes away what its manager owned and does not send any more, and a PUT replaces; a merge patch says
 * of what it takes away that it is null. What is created has no pods yet. Pure.
 */
export function saysOf(method: string, contentType: string): Says {
  return method === 'PUT' || contentType.startsWith('application/apply-patch') ? 'whole' : 'changes'
}

/**
 * The body of a write, where a Service that it selects anew goes on selecting by the labels that are kept, and a workload
 * keeps its number of instances and the fields that hold it. Helm applies a selector whole, so that what somebody else has
 * added would be gone the moment it does, its number against that of whoever has scaled, and its bounds of a rollout over
 * those of a gate. Pure.
 */
export function keepFields(body: Buffer, object: ObjectLocation, keeps: readonly Kept[], says: Says): Buffer {
  const kept = keeps.filter((one) => isOf(one, object))
  const wanted = kept.length === 0 ? null : readJson(body)
  if (!isSent(wanted)) return body
  const sent = kept.reduce((one, each) => keptIn(one, each, says), wanted)
  return sent === wanted ? body : Buffer.from(JSON.stringify(sent))
}

function isOf(kept: Kept, { group, resource, name }: ObjectLocation): boolean {
  if ('service' in kept) return group === '' && resource === 'services' && kept.service === name
  return group === 'apps' && resource === kept.resource && kept.workload === name
}

const isSent = (wanted: Json): wanted is Sent => isJsonObject(wanted) && isJsonObject(wanted.spec)

function keptIn(sent: Sent, kept: Kept, says: Says): Sent {
  if ('fields' in kept) return withFields(sent, kept, says)
  const change = 'service' in kept ? selectorOf(sent.spec, kept.labels) : replicasOf(sent.spec, kept.replicas)
  return change === null ? sent : { ...sent, spec: { ...sent.spec, ...change } }
}

const selectorOf = ({ selector }: JsonObject, labels: Readonly<Record<string, string>>): JsonObject | null =>
  isJsonObject(selector) ? { selector: { ...selector, ...labels } } : null

/** What does not say how many says nothing against it. */
const replicasOf = (spec: JsonObject, replicas: number): JsonObject | null =>
  typeof spec.replicas === 'number' ? { replicas } : null

/**
 * Fields that a patch does not say stay by themselves. Left out of a whole object they go, once helm has been made their
 * owner by a write beneath the gate: it sends all of them, and what helm did not say is noted as null.
 */
function withFields(sent: Sent, { fields, note }: KeptFields, says: Says): Sent {
  const names = Object.keys(fields).filter((name) => says === 'whole' || name in sent.spec)
  if (names.length === 0) return sent
  const metadata = isJsonObject(sent.metadata) ? sent.metadata : {}
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {}
  const noted = { ...annotations, [note]: JSON.stringify(only(names, sent.spec)) }
  return { ...sent, metadata: { ...metadata, annotations: noted }, spec: { ...sent.spec, ...only(names, fields) } }
}

const only = (names: readonly string[], object: JsonObject): JsonObject =>
  Object.fromEntries(names.map((name) => [name, object[name] ?? null]))

function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // No object that helm applies: the cluster says what is wrong with it.
    return null
  }
}
