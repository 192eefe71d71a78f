import { seconds } from '../core/instant.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import type { Uuid } from '../core/subject.ts'
import { CannotOpen, type Vault } from '../infra/secrets/vault.ts'
import { nothingOverwritten, type Operation } from './core/model.ts'
import { sealedAs } from './store/sealed.ts'

/** Clocks of cluster and worker may differ by so much: what is looked for as of an operation may seem older than it. */
export const clockSkewMs = seconds(5)

/** What is read of the cluster for a failure, beside what helm said. */
export type FoundEvidence = { readonly conflicts: readonly JsonObject[]; readonly pods: Json }

/** Evidence as it lies with an attempt and an operation's phase, which are not encrypted otherwise. */
export function sealEvidence(vault: Vault, operationId: Uuid, evidence: Json): Json {
  return { sealed: vault.seal(evidence, sealedAs.evidence(operationId)).toString('base64') }
}

/** The inverse of `sealEvidence`; evidence that is not sealed stays as it is. */
export function openEvidence(vault: Vault, operationId: Uuid, evidence: Json): Json {
  if (!isJsonObject(evidence) || typeof evidence.sealed !== 'string') return evidence
  return vault.open(Buffer.from(evidence.sealed, 'base64'), sealedAs.evidence(operationId))
}

/**
 * Evidence as it is put where all is sealed: what an attempt kept sealed would else keep the key of that attempt within.
 * What does not open stays as it is: an operation must end though its evidence cannot be read.
 */
export function unsealedEvidence(vault: Vault, operationId: Uuid, evidence: Json): Json {
  try {
    return openEvidence(vault, operationId, evidence)
  } catch (error) {
    if (error instanceof CannotOpen) return evidence
    throw error
  }
}

/**
 * Evidence as the tenant reads it: helm's own words, what the cluster refused where they do not say it, fields of other managers, and the pods with their events and last
 * log lines. What hooks left tells more than workloads that the failing act may never have reached.
 */
export function evidenceView(said: Json, found: FoundEvidence | null): Json {
  const act = isJsonObject(said) ? said : {}
  const conflicts = found !== null && found.conflicts.length > 0 ? found.conflicts : (act.conflicts ?? [])
  // Helm is silent until it ends: one that was ended has said nothing.
  const helm = act.helm === '' ? 'helm said nothing before it was ended' : (act.helm ?? null)
  const refused = act.refused === undefined ? {} : { refused: act.refused }
  return { helm, ...refused, conflicts, pods: act.hooks ?? found?.pods ?? null }
}

type Kept = Pick<Operation, 'evidence' | 'overwritten'>

/** What was overwritten as the tenant reads it; nothing where it was nothing, and that is known. */
export function overwrittenView({ fields, incomplete }: Operation['overwritten']): JsonObject {
  if (fields.length === 0 && incomplete === null) return {}
  const overwritten = fields.map((field) => ({ ...field }))
  return incomplete === null ? { overwritten } : { overwritten, overwrittenIncomplete: incomplete }
}

/** All that is kept for the tenant of one operation, sealed as one; null where it is nothing. */
export function keptForm({ evidence, overwritten }: Kept): Json {
  const view = overwrittenView(overwritten)
  return view.overwritten === undefined ? evidence : { ...(isJsonObject(evidence) ? evidence : {}), ...view }
}

/** The inverse of `keptForm`. */
export function keptOf(stored: Json): Kept {
  if (!isJsonObject(stored) || !Array.isArray(stored.overwritten))
    return { evidence: stored, overwritten: nothingOverwritten }
  const { overwritten, overwrittenIncomplete = null, ...evidence } = stored
  const isNothing = Object.keys(evidence).length === 0
  const kept = { fields: overwritten, incomplete: overwrittenIncomplete } as unknown as Kept['overwritten']
  return { evidence: isNothing ? null : evidence, overwritten: kept }
}

/** True for evidence that was kept as an act gave it, because nothing could be read beside it. */
export const isOfAct = (evidence: Json): boolean => isJsonObject(evidence) && !('pods' in evidence)
