import type { Headed, Method } from '../fleet/api.ts'

export type Caller = 'admin' | 'operator' | 'viewer'

/**
 * A request that must be refused, and how. `{mine}` and the like in a path stand for the ids of what the suite made.
 * The operator and the viewer are of tenant a.
 */
export type Refusal = {
  readonly what: string
  readonly as: Caller
  readonly method: Method
  readonly path: string
  readonly body?: unknown
  readonly headers?: Headed
  readonly status: number
  readonly code: string
  /** The field that the answer must name; left out where it is not a field that is wrong. */
  readonly pointer?: string
}

/** What is wrong, by what change, and which field the answer must name. */
export type Wrong = readonly [what: string, change: object, pointer: string]

/** One character more than a text may have. */
export const text501 = 'x'.repeat(501)

/** What every command with these fields refuses. */
export const waits: readonly Wrong[] = [
  ['a timeout of 0', { timeout: 0 }, '/timeout'],
  ['a timeout of more than a day', { timeout: 86_401 }, '/timeout'],
  ['a timeout with a fraction', { timeout: 1.5 }, '/timeout'],
  ['a timeout as text', { timeout: '300' }, '/timeout'],
  ['wait as text', { wait: 'true' }, '/wait'],
  ['waitForJobs without wait', { wait: false, waitForJobs: true }, '/waitForJobs'],
  ['a reason that is too long', { reason: text501 }, '/reason'],
  ['a field that is misspelt', { timout: 300 }, '/timout'],
]
/** What a description refuses. */
export const describes: readonly Wrong[] = [
  ['a description that is too long', { description: text501 }, '/description'],
  ['a description with NUL', { description: 'a\0b' }, '/description'],
  ['half of a surrogate pair', { description: 'a\ud800' }, '/description'],
]
/** What installs and upgrades refuse besides. */
export const deploys: readonly Wrong[] = [
  ...waits,
  ...describes,
  ['a misspelt atomic', { atomicc: true }, '/atomicc'],
  ['atomic as a number', { atomic: 1 }, '/atomic'],
  ['an empty appVersion', { appVersion: '' }, '/appVersion'],
  ['values as a list', { valuesOverride: [] }, '/valuesOverride'],
  ['values as text', { valuesOverride: 'a: 1' }, '/valuesOverride'],
  ['a number that would be rounded', { valuesOverride: { a: [2 ** 53] } }, '/valuesOverride/a/0'],
  ['a version that is none', { chartVersion: 'latest' }, '/chartVersion'],
  ['a version as a number', { chartVersion: 1.2 }, '/chartVersion'],
]
/** What every list refuses. */
export const reads: readonly (readonly [what: string, query: string, pointer: string])[] = [
  ['a limit of 0', 'limit=0', 'query/limit'],
  ['a limit of 1001', 'limit=1001', 'query/limit'],
  ['a limit that is no number', 'limit=1e2', 'query/limit'],
  ['two limits', 'limit=1&limit=2', 'query/limit'],
  ['an unknown parameter', 'limmit=1', 'query/limmit'],
]

/** Each wrong change of a body that is right without it: 400 with the pointer. */
export const body = (
  path: string,
  base: object,
  wrong: readonly Wrong[],
  as: Caller = 'operator',
): readonly Refusal[] =>
  wrong.map(([what, change, pointer]) => ({
    what,
    as,
    method: 'POST',
    path,
    body: { ...base, ...change },
    status: 400,
    code: 'malformed',
    pointer,
  }))

/** Each wrong query of a read: 400 with the pointer. */
export const query = (path: string, wrong: readonly (readonly [string, string, string])[], as: Caller = 'operator') =>
  wrong.map(
    ([what, text, pointer]): Refusal => ({
      what,
      as,
      method: 'GET',
      path: `${path}?${text}`,
      status: 400,
      code: 'malformed',
      pointer,
    }),
  )

type Refused = readonly [what: string, as: Caller, body: unknown, status: number, code: string]
/** Requests with a body that are refused for what they ask. */
export const post = (path: string, refused: readonly Refused[]): readonly Refusal[] =>
  refused.map(([what, as, given, status, code]) => ({ what, as, method: 'POST', path, body: given, status, code }))

const without = (base: object, field: string): object =>
  Object.fromEntries(Object.entries(base).filter(([name]) => name !== field))
/** Each of these fields left out. */
export const missing = (path: string, base: object, fields: readonly string[], as: Caller = 'operator') =>
  fields.map(
    (field): Refusal => ({
      what: `no ${field}`,
      as,
      method: 'POST',
      path,
      body: without(base, field),
      status: 400,
      code: 'malformed',
      pointer: `/${field}`,
    }),
  )

/** What every stream of events refuses of a `Last-Event-ID`. */
export const streams = (path: string): readonly Refusal[] =>
  [
    ['that is none', 'x'],
    ['beyond the last event', '999999999999999'],
  ].map(([what = '', id = '']) => ({
    what: `a Last-Event-ID ${what}`,
    as: 'viewer',
    method: 'GET',
    path,
    headers: { accept: 'text/event-stream', 'last-event-id': id },
    status: 400,
    code: 'malformed',
    pointer: 'header/Last-Event-ID',
  }))
