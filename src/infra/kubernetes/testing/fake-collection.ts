import type { Clock } from '../../../core/instant.ts'
import type { Transport, TransportRequest, TransportResponse } from '../transport.ts'
import type { KubeObject } from '../types.ts'

/** What goes wrong with a request. `after` counts lines of a watch. */
export type Fault =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'cut'; readonly after: number; readonly midLine: boolean }
  | { readonly kind: 'error-line'; readonly after: number; readonly code: number }
  | { readonly kind: 'hang'; readonly after: number }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'replay'; readonly after: number }

type Verb = 'ADDED' | 'MODIFIED' | 'DELETED'
type Entry = { readonly version: number; readonly verb: Verb; readonly object: KubeObject }

const pageSize = 3

/** One collection of a simulated API server: list by pages, watch, watch-list, and faults in the order they are given. */
export class FakeCollection {
  readonly #clock: Clock
  readonly #objects = new Map<string, KubeObject>()
  readonly #faults: Fault[] = []
  #history: Entry[] = []
  #version = 1
  /** Versions up to here are forgotten. */
  #compacted = 0
  #changed = Promise.withResolvers<void>()
  /** Requests that came, for counting. */
  readonly requests: string[] = []
  knowsWatchList = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects
  }

  put(name: string, labels: Record<string, string> = {}): void {
    const verb = this.#objects.has(name) ? 'MODIFIED' : 'ADDED'
    const metadata = { name, namespace: 'ns', uid: `uid-${name}`, labels, resourceVersion: String(++this.#version) }
    this.#objects.set(name, { metadata })
    this.#record({ version: this.#version, verb, object: { metadata } })
  }

  remove(name: string): void {
    const object = this.#objects.get(name)
    if (object === undefined) return
    this.#objects.delete(name)
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) }
    this.#record({ version: this.#version, verb: 'DELETED', object: { metadata } })
  }

  /** Forgets the past: a watch from an older version is answered with 410. */
  compact(): void {
    this.#compacted = this.#version
    this.#history = []
  }

  /** The next requests meet these faults, one each. */
  fail(...faults: readonly Fault[]): void {
    this.#faults.push(...faults)
  }

  readonly transport: Transport = async (request) => {
    this.requests.push(request.path)
    const fault = this.#faults.shift()
    if (fault?.kind === 'refuse') throw new Error('connect ECONNREFUSED')
    if (fault?.kind === 'status') return answer(fault.status, JSON.stringify(statusObject(fault.status)))
    if (fault?.kind === 'delay') await this.#clock.sleep(fault.ms, request.signal)
    request.signal.throwIfAborted()
    const query = new URL(request.path, 'http://fake').searchParams
    return query.has('watch') ? this.#watch(query, request, fault) : this.#list(query)
  }

  #list(query: URLSearchParams): TransportResponse {
    const [version, from] = (query.get('continue') ?? `${this.#version}:0`).split(':').map(Number)
    if (query.has('continue') && version !== this.#version) return answer(410, JSON.stringify(statusObject(410)))
    const all = [...this.#objects.values()]
    const end = Number(from) + pageSize
    const following = end < all.length ? { continue: `${version}:${end}` } : {}
    const metadata = { resourceVersion: String(version), ...following }
    return answer(200, JSON.stringify({ metadata, items: all.slice(Number(from), end) }))
  }

  #watch(query: URLSearchParams, request: TransportRequest, fault: Fault | undefined): TransportResponse {
    if (query.has('sendInitialEvents') && !this.knowsWatchList) {
      return answer(422, JSON.stringify(statusObject(422)))
    }
    const end = this.#clock.now() + Number(query.get('timeoutSeconds')) * 1000
    const lines = this.#lines(query, end, request.signal)
    return { status: 200, headers: {}, body: withFault(lines, fault, request.signal) }
  }

  async *#lines(query: URLSearchParams, end: number, signal: AbortSignal): AsyncGenerator<string> {
    let seen = Number(query.get('resourceVersion') ?? 0)
    if (query.has('sendInitialEvents')) {
      seen = this.#version
      for (const object of [...this.#objects.values()]) yield line('ADDED', object)
      yield bookmark(seen, true)
    }
    if (seen < this.#compacted) return yield `${JSON.stringify({ type: 'ERROR', object: statusObject(410) })}\n`
    while (!signal.aborted && this.#clock.now() < end) {
      for (const entry of this.#history.filter(({ version }) => version > seen)) {
        seen = entry.version
        yield line(entry.verb, entry.object)
      }
      const woken = await this.#waitForChange(end, signal)
      if (!woken && seen >= this.#compacted) yield bookmark(seen, false)
      if (seen < this.#compacted) return yield `${JSON.stringify({ type: 'ERROR', object: statusObject(410) })}\n`
    }
  }

  async #waitForChange(end: number, signal: AbortSignal): Promise<boolean> {
    const left = Math.max(0, Math.min(60_000, end - this.#clock.now()))
    const waking = new AbortController()
    const changed = this.#changed.promise.then(() => true)
    const either = AbortSignal.any([waking.signal, signal])
    const woken = await Promise.race([changed, this.#clock.sleep(left, either).then(() => false)])
    waking.abort()
    return woken
  }

  #record(entry: Entry): void {
    this.#history.push(entry)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

async function* withFault(
  lines: AsyncGenerator<string>,
  fault: Fault | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const sent: string[] = []
  for await (const text of lines) {
    if (fault !== undefined && 'after' in fault && fault.kind !== 'replay' && sent.length >= fault.after) {
      if (fault.kind === 'hang') return await forever(signal)
      if (fault.kind === 'cut' && fault.midLine) yield bytes(text.slice(0, text.length / 2))
      if (fault.kind === 'cut') throw new Error('socket hang up')
      return yield bytes(`${JSON.stringify({ type: 'ERROR', object: statusObject(fault.code) })}\n`)
    }
    yield bytes(text)
    sent.push(text)
    if (fault?.kind === 'replay' && sent.length > fault.after) yield bytes(sent.join(''))
  }
}

/** Silence, until the other side leaves. */
async function forever(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

function line(type: Verb, object: KubeObject): string {
  return `${JSON.stringify({ type, object })}\n`
}

function bookmark(version: number, initialEnd: boolean): string {
  const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  return `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version), ...annotations } } })}\n`
}

function statusObject(code: number): Record<string, unknown> {
  return { kind: 'Status', code, reason: code === 410 ? 'Expired' : 'InternalError', message: `a fault: ${code}` }
}

function answer(status: number, text: string): TransportResponse {
  return { status, headers: {}, body: once(bytes(text)) }
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
