import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../api/call.ts'
import { ApiError, badRequest, statusBody, unknownPath } from '../api/status.ts'

const PATH = '/practice/faults'

/**
 * A disturbance for tests, set by `POST /practice/faults` and listed or cleared by GET and DELETE of the same path.
 * It strikes requests whose method and path match, `times` times (always, when not given).
 */
export type Fault = {
  /** `status` answers with `code`, `hang` never answers, `delay` waits `ms`, `cut` ends the connection. */
  readonly kind: 'status' | 'hang' | 'delay' | 'cut'
  readonly method?: string
  /** A regular expression on the path with its query. */
  readonly path?: string
  readonly code?: number
  readonly ms?: number
  readonly times?: number
}

type Armed = { readonly fault: Fault; left: number }

const KINDS: readonly string[] = ['status', 'hang', 'delay', 'cut']

/** The faults that are set, and what they do to requests. They live in memory: a restart clears them. */
export class Faults {
  #armed: Armed[] = []
  readonly #watches = new Set<Call>()

  /** Whether the request has been answered (or never will be). */
  async intercept(call: Call): Promise<boolean> {
    if (call.path === PATH) return this.#administer(call)
    if (call.path.startsWith('/practice/')) throw unknownPath()
    if (call.query.has('watch')) this.#remember(call)
    const struck = this.#strike(call)
    return struck === undefined ? false : suffer(struck, call)
  }

  #administer(call: Call): boolean {
    if (call.method === 'POST') this.#set(readFault(call))
    else if (call.method === 'DELETE') this.#armed = []
    call.response.writeHead(200, { 'content-type': 'application/json' })
    call.response.end(JSON.stringify({ faults: this.#armed.map(({ fault, left }) => ({ ...fault, left })) }))
    return true
  }

  /** A `cut` also ends the watches that are open and match. */
  #set(fault: Fault): void {
    this.#armed.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
    if (fault.kind !== 'cut') return
    for (const watch of this.#watches) if (matches(fault, watch)) watch.response.destroy()
  }

  #remember(call: Call): void {
    this.#watches.add(call)
    call.response.once('close', () => this.#watches.delete(call))
  }

  #strike(call: Call): Fault | undefined {
    const found = this.#armed.find(({ fault, left }) => left > 0 && matches(fault, call))
    if (found === undefined) return undefined
    found.left -= 1
    this.#armed = this.#armed.filter(({ left }) => left > 0)
    return found.fault
  }
}

function readFault(call: Call): Fault {
  try {
    const fault = JSON.parse(call.body.toString('utf8')) as Fault
    new RegExp(fault.path ?? '')
    if (KINDS.includes(fault.kind)) return fault
  } catch {
    // falls through to the one answer
  }
  throw badRequest(
    `a fault is {"kind": ${KINDS.join('|')}, "method", "path": regular expression, "code", "ms", "times"}`,
  )
}

function matches({ method, path }: Fault, call: Call): boolean {
  if (method !== undefined && method !== call.method) return false
  return new RegExp(path ?? '').test(`${call.path}?${call.query}`)
}

async function suffer({ kind, code = 500, ms = 1000 }: Fault, { response }: Call): Promise<boolean> {
  if (kind === 'delay') {
    await sleep(ms)
    return false
  }
  if (kind === 'cut') response.destroy()
  if (kind === 'status') {
    const reason = code === 429 ? 'TooManyRequests' : 'InternalError'
    const details = code === 429 ? { retryAfterSeconds: 1 } : {}
    const error = new ApiError(code, reason, 'a fault that a test asked for', details)
    response.writeHead(code, { 'content-type': 'application/json', ...(code === 429 ? { 'retry-after': '1' } : {}) })
    response.end(JSON.stringify(statusBody(error)))
  }
  return true
}
