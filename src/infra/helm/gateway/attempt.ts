import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BeforeDelete, ClusterEndpoint, ExpectedRecords, Kept, LeaseView } from '../types.ts'
import type { RefusalReason, Refused, Room } from './classify.ts'
import { RecordGuard } from './record-guard.ts'
import type { RefusedAnswer } from './refused-answer.ts'

/** A request that was refused, kept to explain helm's error. */
export type Refusal = Refused & { readonly method: string }

/**
 * What an attempt's writes came to. `uncertain`: sent, and no answer that tells (also one still under way).
 * `records` are the writes to helm's own storage, `objects` all others.
 */
export type Mutations = { readonly objects: number; readonly records: number; readonly uncertain: number }

export type AttemptSpec = {
  readonly cluster: ClusterEndpoint
  /** For what is granted outside of the room; `cluster` unless told. */
  readonly beyond?: ClusterEndpoint
  readonly lease: LeaseView
  readonly room: Room
  readonly keeps?: readonly Kept[]
  /** What may be in helm's storage: anything else is another hand's, and ends the attempt's right to write. */
  readonly records?: ExpectedRecords
  readonly beforeDelete?: BeforeDelete
}

const keptRefusals = 20
/** So many answers that refused something are kept of a run. */
export const keptAnswers = 10

/** One run of helm as the gateway sees it: who it is, where it may go, and what it did. */
export class GatewayAttempt {
  readonly id = randomBytes(9).toString('hex')
  readonly cluster: ClusterEndpoint
  readonly beyond: ClusterEndpoint
  readonly lease: LeaseView
  readonly room: Room
  readonly keeps: readonly Kept[]
  readonly beforeDelete: BeforeDelete
  /** Discovery documents that it has had: a second request for one may mean that helm has met an unknown kind. */
  readonly seen = new Set<string>()
  readonly secret = randomBytes(32).toString('hex')
  readonly #digest = digest(this.secret)
  readonly #refusals: Refusal[] = []
  readonly #refusedAnswers = new Map<string, RefusedAnswer>()
  readonly #ended = new AbortController()
  readonly #guard: RecordGuard | null
  #recordMade = false
  #objects = 0
  #records = 0
  #uncertain = 0
  #unreachable = 0

  constructor(spec: AttemptSpec) {
    this.cluster = spec.cluster
    this.beyond = spec.beyond ?? spec.cluster
    this.lease = spec.lease
    this.room = spec.room
    this.keeps = spec.keeps ?? []
    this.#guard = guardOf(spec, () => this.#recordMade)
    this.beforeDelete = spec.beforeDelete ?? (async () => {})
  }

  /** Aborted when the attempt is closed. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Compared in constant time, whatever the length. */
  isSecret(given: string): boolean {
    return timingSafeEqual(digest(given), this.#digest)
  }

  mayWrite(): boolean {
    return !this.ended.aborted && !this.lease.signal.aborted && this.lease.remainingMs() > 0
  }

  /** Aborted when another hand was seen in helm's storage: nothing may be written any more. */
  get overtaken(): AbortSignal {
    return this.#guard?.overtaken ?? never
  }

  /** Looks at helm's storage before a write, of a record or of anything else. */
  async lookAtRecords(isRecord: boolean): Promise<void> {
    await this.#guard?.refresh(isRecord)
  }

  /** True for a record that only another hand can have made. */
  isForeignRecord(name: string): boolean {
    return this.#guard?.isAbove(Number(name.slice(name.lastIndexOf('.v') + 2))) ?? false
  }

  noteRecordMade(): void {
    this.#recordMade = true
  }

  /** Counts a write as uncertain until the returned function tells how it ended. */
  writeBegins(isRecord: boolean): (outcome: 'applied' | 'nothing' | 'uncertain') => void {
    this.#uncertain++
    return (outcome) => {
      if (outcome !== 'uncertain') this.#uncertain--
      if (outcome !== 'applied') return
      if (isRecord) this.#records++
      else this.#objects++
    }
  }

  noteRefusal(method: string, refused: Refused): void {
    if (this.#refusals.length < keptRefusals) this.#refusals.push({ ...refused, method })
  }

  /** The last ones are kept, and what is asked again once. */
  noteRefusedAnswer(refused: RefusedAnswer): void {
    const key = JSON.stringify([refused.method, refused.object, refused.status])
    this.#refusedAnswers.delete(key)
    this.#refusedAnswers.set(key, refused)
    const [oldest] = this.#refusedAnswers.keys()
    if (this.#refusedAnswers.size > keptAnswers && oldest !== undefined) this.#refusedAnswers.delete(oldest)
  }

  noteUnreachable(): void {
    this.#unreachable++
  }

  mutations(): Mutations {
    return { objects: this.#objects, records: this.#records, uncertain: this.#uncertain }
  }

  /** True when a write was made or may have been: false is a fact. */
  changed(): boolean {
    return this.#objects + this.#records + this.#uncertain > 0
  }

  refusals(): readonly Refusal[] {
    return this.#refusals
  }

  /** What the cluster itself has refused last, oldest first. */
  refusedAnswers(): readonly RefusedAnswer[] {
    return [...this.#refusedAnswers.values()]
  }

  wasRefused(reason: RefusalReason): boolean {
    return this.#refusals.some((refusal) => refusal.reason === reason)
  }

  /** How many requests the cluster did not answer. */
  unreachable(): number {
    return this.#unreachable
  }

  end(): void {
    this.#guard?.close()
    this.#ended.abort()
  }
}

const never = new AbortController().signal

/** It looks with our own rights: those of the tenant go with its namespace. */
function guardOf({ cluster: helms, beyond: cluster = helms, room, records }: AttemptSpec, made: () => boolean) {
  if (records === undefined) return null
  const { namespace, release } = room
  return new RecordGuard({ cluster, namespace, release, expected: records, made })
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
