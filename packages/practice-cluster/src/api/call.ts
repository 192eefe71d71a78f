import type { ServerResponse } from 'node:http'
import { parse as parseYaml } from 'yaml'
import type { Tokens } from '../access/tokens.ts'
import type { User } from '../access/user.ts'
import type { Allocator } from '../resources/prepare.ts'
import { unsupportedValue } from '../resources/validation/errors.ts'
import type { KubeObject, ResourceType, Store } from '../store/types.ts'
import type { WatchHub } from './hub.ts'
import { decodeProtobuf, isProtobuf } from './protobuf.ts'
import { badRequest, invalid } from './status.ts'

/** One line that a container wrote, and when. */
export type LogLine = { readonly at: string; readonly text: string }

/** Where a pod's log lines come from: oldest first, or undefined when that container has not run. */
export type PodLogs = (pod: KubeObject, container: string, previous: boolean) => readonly LogLine[] | undefined

/** What every handler works with. */
export type Api = {
  readonly store: Store
  readonly hub: WatchHub
  readonly allocator: Allocator
  readonly logs: PodLogs
  readonly tokens: Tokens
  readonly now: () => Date
}

/** One request, its body read. */
export type Call = {
  /** Who asks, or who is asked as. */
  readonly user: User
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly contentType: string
  readonly userAgent: string
  readonly ifNoneMatch: string
  readonly body: Buffer
  /** For answers that go on: watches and followed logs. */
  readonly response: ServerResponse
}

/** What a request is about. */
export type Target = {
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

export type Answer = {
  readonly status: number
  readonly body: string | Uint8Array
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a handler gives: an answer, or undefined when it answers by the response itself. */
export type Outcome = Answer | undefined

/** The value in a body: JSON, YAML or the API's protobuf. @throws ApiError 400 when it is none of them. */
export function parseBody(call: Call): Record<string, unknown> {
  if (isProtobuf(call.body)) return decodeProtobuf(call.body)
  const text = call.body.toString('utf8')
  const value = call.contentType.includes('yaml') ? parseYamlBody(text) : parseJsonBody(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw badRequest('the object provided is unrecognized: it is not an object')
}

function parseJsonBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest("the object provided is unrecognized: couldn't get version/kind; json parse error")
  }
}

function parseYamlBody(text: string): unknown {
  try {
    return text.startsWith('{') ? JSON.parse(text) : parseYaml(text)
  } catch {
    throw badRequest('error decoding YAML: the body does not parse')
  }
}

/** Whether a boolean query parameter is set. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value !== null && value !== 'false' && value !== '0'
}

/** Whether the write is to be rehearsed only. @throws ApiError 422 for another value than `All`. */
export function isDryRun(query: URLSearchParams): boolean {
  const wanted = query.getAll('dryRun').filter((value) => value !== '')
  if (wanted.every((value) => value === 'All')) return wanted.length > 0
  throw invalid('meta.k8s.io', 'CreateOptions', '', [unsupportedValue('dryRun', wanted, ['All'])])
}
