import { isJsonObject, type Json } from '../../../core/json.ts'
import { redact } from '../redact.ts'
import type { ForeignObject } from '../types.ts'
import { readPath } from './path.ts'

/** What the cluster itself has refused of a run, for where helm keeps it to itself. */
export type RefusedAnswer = {
  readonly method: string
  /** In words. */
  readonly object: string
  readonly status: number
  /** The API server's, redacted; null where it gave none, or a longer one than is kept. */
  readonly message: string | null
}

/** A longer message goes as a whole: what is left of a hidden text that a cut has gone through would be shown. */
const longestMessage = 1000

/** How a cluster puts a request off: helm sends it again, and nobody is to take that for the reason. */
const tooManyRequests = 429

/** Answers that helm expects: it looks whether something is there, and deletes what may be gone. */
const asksWhether = ['GET', 'DELETE']

/** What an answer has refused; null for one that refuses nothing, or that names no object. `body` is the whole of it. */
export function refusedAnswer(method: string, url: string, status: number, body: Buffer): RefusedAnswer | null {
  if (status < 400 || status === tooManyRequests || (status === 404 && asksWhether.includes(method))) return null
  const location = readPath(url.split('?', 1)[0] ?? '')
  if (location?.kind !== 'object') return null
  return { method, object: namedObject(location), status, message: messageIn(body) }
}

/** An object in words. */
export function namedObject({ group, resource, namespace, name }: ForeignObject): string {
  const kind = group === '' ? resource : `${resource}.${group}`
  const what = name === null ? kind : `${kind} "${name}"`
  return `${what} ${namespace === null ? 'of the cluster' : `in the namespace "${namespace}"`}`
}

function messageIn(body: Buffer): string | null {
  const said = parsed(body)
  const message = isJsonObject(said) && typeof said.message === 'string' ? redact(said.message).trim() : ''
  return message === '' || message.length > longestMessage ? null : message
}

/** Null for what is no JSON: the typed clients of helm ask for protobuf. */
function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}
