import { type Clock, type Instant, minutes } from '../../../core/instant.ts'
import { ClusterError } from '../errors.ts'
import { listAll } from '../list.ts'
import { accept as media } from '../media.ts'
import { createRequester } from '../request.ts'
import { errorOfFailure } from '../status.ts'
import type { Transport } from '../transport.ts'
import type { KubeObject, Resource, Selection } from '../types.ts'
import { backoffMs } from './backoff.ts'
import { openWatch } from './connection.ts'
import type { WatchEvent } from './events.ts'
import type { Frame } from './frames.ts'
import { isOld } from './version.ts'

export type WatchSpec = {
  readonly transport: Transport
  readonly resource: Resource
  readonly selection: Selection
  readonly metadataOnly: boolean
  readonly clock: Clock
  /** Between 0 and 1. */
  readonly random: () => number
  /** Ends the watch: the iteration then ends, and nothing is thrown. */
  readonly signal: AbortSignal
}
export type WatchParts = WatchSpec & { readonly accept: string }

/** However well the watch runs, everything is listed anew after so long: whatever was missed is then repaired. */
const RELIST_MS = minutes(10)
/** A request that lasted so long has worked: what fails after it is a first failure. */
const HEALTHY_MS = 10_000
const [SHORTEST_SECONDS, LONGEST_SECONDS] = [240, 300]

/**
 * Lists and watches a collection until the signal ends it. It never ends by itself and never throws: whatever goes
 * wrong is told as `stale` and tried again. The state built from the events equals a fresh list (see `Replica`).
 *
 *   list ──synced──► watch ──ended by the server──► watch (from the last version)
 *    ▲                 │ broke: stale, wait ───────► watch (from the last version)
 *    └──── 410, 10 min or a broken list ◄────────────┘
 */
export async function* watchCollection<T extends KubeObject>(spec: WatchSpec): AsyncGenerator<WatchEvent<T>> {
  const accept = spec.metadataOnly ? media.metadata : media.json
  const watch = new CollectionWatch<T>({ ...spec, accept })
  while (!spec.signal.aborted) yield* watch.leg()
}

class CollectionWatch<T extends KubeObject> {
  readonly #parts: WatchParts
  /** The version up to which all is known; null: list. */
  #version: string | null = null
  #listedAt: Instant = 0
  #failures = 0
  #stale = false
  /** The server knows no watch-list: ask for pages instead. */
  #paged = false
  #listOnly = false

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** One request, or one list, and what follows of how it ended. */
  async *leg(): AsyncGenerator<WatchEvent<T>> {
    const { clock, signal } = this.#parts
    const began = clock.now()
    if (began - this.#listedAt >= RELIST_MS) this.#version = null
    let error: ClusterError | null = null
    try {
      yield* this.#run()
    } catch (thrown) {
      error = errorOfFailure(thrown)
    }
    if (clock.now() - began >= HEALTHY_MS) this.#failures = 0
    if (signal.aborted) return
    if (error !== null) yield* this.#failed(error)
    // A server that ends each watch at once must not be asked in a circle.
    else if (clock.now() - began < HEALTHY_MS && !this.#listOnly) await this.#pause(false)
  }

  #run(): AsyncGenerator<WatchEvent<T>> {
    this.#listOnly = this.#version === null && this.#paged
    if (this.#listOnly) return this.#listPages()
    return this.#version === null ? this.#listAndWatch() : this.#watchFrom(this.#version)
  }

  /** Watch-list: the objects of now come first, a bookmark tells their end, and the changes follow. */
  async *#listAndWatch(): AsyncGenerator<WatchEvent<T>> {
    const began = this.#parts.clock.now()
    for await (const frame of openWatch<T>(this.#parts, { from: 'now' }, this.#seconds(began))) {
      if (frame === 'open') yield { type: 'reset' }
      else if (this.#version !== null) yield* this.#take(frame)
      else if (frame.type === 'bookmark' && frame.initialEnd) yield* this.#synced(frame.version, began)
      else if (frame.type !== 'bookmark') yield { type: frame.type, object: frame.object }
    }
    if (this.#version === null) throw incomplete()
  }

  async *#listPages(): AsyncGenerator<WatchEvent<T>> {
    const { transport, clock, random, resource, selection, metadataOnly, signal } = this.#parts
    const began = clock.now()
    const accept = metadataOnly ? media.metadataList : media.json
    const requester = createRequester(transport, clock, random)
    const { items, resourceVersion } = await listAll<T>(requester, resource, selection, accept, { signal })
    yield { type: 'reset' }
    for (const object of items) yield { type: 'upsert', object }
    yield* this.#synced(resourceVersion, began)
  }

  async *#watchFrom(version: string): AsyncGenerator<WatchEvent<T>> {
    const seconds = this.#seconds(this.#listedAt)
    for await (const frame of openWatch<T>(this.#parts, { from: 'version', version }, seconds)) {
      if (frame === 'open') yield* this.#live()
      else yield* this.#take(frame)
    }
  }

  *#take(frame: Frame<T>): Generator<WatchEvent<T>> {
    if (frame.type === 'bookmark') yield { type: 'alive' }
    if (this.#version !== null && isOld(frame.version, this.#version)) return
    this.#version = frame.version
    if (frame.type !== 'bookmark') yield { type: frame.type, object: frame.object }
  }

  *#synced(version: string, began: Instant): Generator<WatchEvent<T>> {
    this.#version = version
    this.#listedAt = began
    yield { type: 'synced' }
    yield* this.#live()
  }

  *#live(): Generator<WatchEvent<T>> {
    if (this.#stale) yield { type: 'live' }
    this.#stale = false
  }

  async *#failed(error: ClusterError): AsyncGenerator<WatchEvent<T>> {
    if (error.isExpired) this.#version = null
    if (this.#version === null && refusesWatchList(error)) this.#paged = true
    if (!this.#stale) yield { type: 'stale', error }
    this.#stale = true
    await this.#pause(error.isForbidden || error.status === 404)
  }

  async #pause(refused: boolean): Promise<void> {
    const { clock, random, signal } = this.#parts
    await clock.sleep(backoffMs(++this.#failures, refused, random), signal)
  }

  /** How long the server shall keep the watch open: 4 to 5 minutes, and not past the next full list. */
  #seconds(listedAt: Instant): number {
    const spread = SHORTEST_SECONDS + Math.floor(this.#parts.random() * (LONGEST_SECONDS - SHORTEST_SECONDS + 1))
    const left = Math.ceil((listedAt + RELIST_MS - this.#parts.clock.now()) / 1000)
    return Math.max(1, Math.min(spread, left))
  }
}

/**
 * Where the feature is off, the parameters of a watch-list are refused, or ignored: the end of the list is then never
 * told. Lists by pages work everywhere, so they are used from then on.
 */
function refusesWatchList({ status, reason }: ClusterError): boolean {
  return status === 400 || status === 422 || reason === 'Timeout' || reason === 'Incomplete'
}

function incomplete(): ClusterError {
  return new ClusterError({ status: 0, reason: 'Incomplete', message: 'the list ended before it was whole' })
}
