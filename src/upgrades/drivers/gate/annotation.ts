import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { GateRow } from '../../store/gate-row.ts'
import { equivalentJson, omit } from './json.ts'
import type { Workload } from './model.ts'
import { appliedByHelm } from './ownership.ts'

/** What a person finds on a workload that is held. It is a hint for people: the database decides (SECURITY.md). */
export const noteName = 'flotilla.dev/gate'

/**
 * What helm rendered of the fields that hold a workload, when it ran beneath them: the gateway puts it here in their place
 * (docs/adr/0037). As the note, it is what somebody could have written who may change the fields themselves.
 */
export const renderedName = 'flotilla.dev/rendered'

/**
 * What helm made of fields when it ran beneath a gate: `sent` is what it rendered, null for what it took away; `unsaid` are
 * the names of all that it did not render. What it left out of a server-side apply it takes away where it owned it before
 * (`owned`); else that is somebody else's, and is not among what was sent. Pure.
 */
export function renderedBeneath(
  live: Workload,
  owned: JsonObject,
): { readonly sent: JsonObject; readonly unsaid: readonly string[] } {
  const noted = readObject(live, renderedName)
  const unsaid = Object.keys(noted).filter((name) => noted[name] === null)
  const applied = appliedByHelm(live)
  // The gateway has put the gate's value into what was applied: no patch makes helm an owner by apply.
  const left = unsaid.filter((name) => `f:${name}` in applied && !(`f:${name}` in owned))
  return { sent: omit(noted, ...left), unsaid }
}

/** The note of a row: who holds the workload, the original fields, and the command that ends a freeze. */
export function noteOf({ executionId, releaseId, originals, state }: GateRow): JsonObject {
  return {
    execution: executionId,
    position: state.position,
    originals: originals.current,
    endFreeze: `POST /api/v1/helm/releases/${releaseId}/unfreeze?to=target or ?to=previous`,
  }
}

/** The note as text. `epoch` is the lease's that writes it: whoever finds a higher one has been overtaken. */
export function noteText(note: JsonObject, epoch: bigint): string {
  return JSON.stringify({ ...note, epoch: String(epoch) })
}

/**
 * The original fields as the note tells them; null without a note that can be read. They are what somebody could have written
 * who may change the fields themselves: used where an object carries our note and nothing is known of it.
 */
export function notedOriginals(live: Workload): JsonObject | null {
  const { originals } = readNote(live)
  return isJsonObject(originals) ? originals : null
}

/** True for an object that carries our note, also where it was made anew from one that did. */
export const carriesNote = (live: Workload): boolean => notedOriginals(live) !== null

/** True where the note says the same, whoever wrote it. */
export function hasNote(live: Workload, note: JsonObject): boolean {
  const { epoch: _, ...found } = readNote(live)
  return equivalentJson(found, note)
}

/** The epoch of the lease that wrote the note; null without one that can be read. */
export function noteEpoch(live: Workload): bigint | null {
  const { epoch } = readNote(live)
  return typeof epoch === 'string' && /^\d{1,19}$/.test(epoch) ? BigInt(epoch) : null
}

const readNote = (live: Workload): JsonObject => readObject(live, noteName)

function readObject({ metadata }: Workload, name: string): JsonObject {
  try {
    const note: Json = JSON.parse(metadata.annotations?.[name] ?? 'null')
    return isJsonObject(note) ? note : {}
  } catch {
    // Somebody has written something else there: it says nothing to us, and is written over.
    return {}
  }
}
