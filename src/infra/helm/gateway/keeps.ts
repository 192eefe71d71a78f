import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Kept, KeptFields } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/** An object that helm sends, whole or as a patch. */
type Sent = JsonObject & { readonly spec: JsonObject }

/**
 * The body of a write, where a Service that it selects anew goes on selecting by the labels that are kept, and a workload
 * keeps its number of instances and the fields that hold it. Helm applies a selector whole, so that what somebody else has
 * added would be gone the moment it does, its number against that of whoever has scaled, and its bounds of a rollout over
 * those of a gate. Pure.
 */
export function keepFields(body: Buffer, object: ObjectLocation, keeps: readonly Kept[]): Buffer {
  const kept = keeps.filter((one) => isOf(one, object))
  const wanted = kept.length === 0 ? null : readJson(body)
  if (!isSent(wanted)) return body
  const sent = kept.reduce(keptIn, wanted)
  return sent === wanted ? body : Buffer.from(JSON.stringify(sent))
}

function isOf(kept: Kept, { group, resource, name }: ObjectLocation): boolean {
  if ('service' in kept) return group === '' && resource === 'services' && kept.service === name
  return group === 'apps' && resource === kept.resource && kept.workload === name
}

const isSent = (wanted: Json): wanted is Sent => isJsonObject(wanted) && isJsonObject(wanted.spec)

function keptIn(sent: Sent, kept: Kept): Sent {
  if ('fields' in kept) return withFields(sent, kept)
  const change = 'service' in kept ? selectorOf(sent.spec, kept.labels) : replicasOf(sent.spec, kept.replicas)
  return change === null ? sent : { ...sent, spec: { ...sent.spec, ...change } }
}

const selectorOf = ({ selector }: JsonObject, labels: Readonly<Record<string, string>>): JsonObject | null =>
  isJsonObject(selector) ? { selector: { ...selector, ...labels } } : null

/** What does not say how many says nothing against it. */
const replicasOf = (spec: JsonObject, replicas: number): JsonObject | null =>
  typeof spec.replicas === 'number' ? { replicas } : null

/** Fields that are not sent stay by themselves. */
function withFields(sent: Sent, { fields, note }: KeptFields): Sent {
  const names = Object.keys(fields).filter((name) => name in sent.spec)
  if (names.length === 0) return sent
  const isWhole = sent.kind !== undefined
  const meant = names.map((name) => [name, meantBy(sent.spec[name], isWhole ? undefined : fields[name])] as const)
  const metadata = isJsonObject(sent.metadata) ? sent.metadata : {}
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {}
  const noted = { ...annotations, [note]: JSON.stringify(Object.fromEntries(meant)) }
  const spec = { ...sent.spec, ...Object.fromEntries(names.map((name) => [name, fields[name] ?? null])) }
  return { ...sent, metadata: { ...metadata, annotations: noted }, spec }
}

/** What a field would be after a write: a patch says only what is to differ, and how it is merged. */
function meantBy(sent: Json | undefined, live: Json | undefined): Json {
  if (!isJsonObject(sent)) return sent ?? null
  const before = isJsonObject(live) ? live : {}
  const said = Object.entries(sent).filter(([name]) => !name.startsWith('$'))
  const merged = said.map(([name, value]) => [name, meantBy(value, before[name])] as const)
  return Object.fromEntries(Object.entries({ ...before, ...Object.fromEntries(merged) }).filter(isThere))
}

const isThere = ([, value]: readonly [string, Json]): boolean => value !== null

function readJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // No object that helm applies: the cluster says what is wrong with it.
    return null
  }
}
