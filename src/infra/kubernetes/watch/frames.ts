import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import { ClusterError } from '../errors.ts'
import { errorOfStatus } from '../status.ts'
import type { KubeObject } from '../types.ts'

/** One line of a watch. */
export type Frame<T extends KubeObject> =
  | { readonly type: 'upsert' | 'delete'; readonly object: T; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string; readonly initialEnd: boolean }

const verbs: Readonly<Record<string, 'upsert' | 'delete'>> = { ADDED: 'upsert', MODIFIED: 'upsert', DELETED: 'delete' }

/** Reads one line of a watch. Throws `ClusterError`: the one that the server sent, or `Malformed`. */
export function parseFrame<T extends KubeObject>(line: string): Frame<T> {
  const { type, object } = parseLine(line)
  if (type === 'ERROR') throw errorOfStatus(object)
  const metadata = isJsonObject(object.metadata) ? object.metadata : {}
  const version = String(metadata.resourceVersion ?? '')
  if (type === 'BOOKMARK') return { type: 'bookmark', version, initialEnd: isInitialEnd(metadata) }
  const verb = verbs[type]
  if (verb === undefined || typeof metadata.name !== 'string') throw malformed()
  return { type: verb, object: object as unknown as T, version }
}

function parseLine(line: string): { type: string; object: JsonObject } {
  try {
    const frame: unknown = JSON.parse(line)
    if (isJsonObject(frame) && typeof frame.type === 'string' && isJsonObject(frame.object)) {
      return { type: frame.type, object: frame.object }
    }
  } catch {
    // Said below, without the text: it may be a Secret.
  }
  throw malformed()
}

function isInitialEnd({ annotations }: JsonObject): boolean {
  return isJsonObject(annotations) && annotations['k8s.io/initial-events-end'] === 'true'
}

function malformed(): ClusterError {
  return new ClusterError({ status: 0, reason: 'Malformed', message: 'the watch sent a line that is no event' })
}
