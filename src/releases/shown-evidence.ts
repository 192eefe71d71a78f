import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { cutEvidence } from '../infra/kubernetes/index.ts'
import { endOf, type Mask, maskedTexts } from '../infra/secrets/mask.ts'
import { shownNamed } from './shown-conflict.ts'

/** So much is kept of what helm said last. */
const mostOfHelm = 4096

/**
 * Evidence as it may be kept: all of it masked whole, and cut then. Of a hidden text that a cut has gone through before, what is
 * left would be shown.
 */
export function shownEvidence(evidence: JsonObject, mask: Mask): JsonObject
export function shownEvidence(evidence: Json, mask: Mask): Json
export function shownEvidence(evidence: Json, mask: Mask): Json {
  if (!isJsonObject(evidence)) return mask(evidence)
  const { conflicts } = evidence
  const shown = Object.entries(maskedTexts(evidence, mask)).map(([part, value]) => [part, cutPart(part, value)])
  const named = Array.isArray(conflicts) ? { conflicts: conflicts.map((one) => shownNamed(one, mask)) } : {}
  return { ...Object.fromEntries(shown), ...named }
}

/** `pods` and `hooks` are what the cluster says, `helm` what helm said. */
function cutPart(part: string, value: Json): Json {
  if (part === 'pods' || part === 'hooks') return cutEvidence(value)
  return part === 'helm' && typeof value === 'string' ? endOf(value, mostOfHelm) : value
}
