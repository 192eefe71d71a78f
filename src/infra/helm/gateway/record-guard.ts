import type { RecordMetadata } from '../storage/record.ts'
import { listRecords } from '../storage/storage.ts'
import type { ClusterEndpoint, ExpectedRecords } from '../types.ts'

export type RecordGuardSpec = {
  readonly cluster: ClusterEndpoint
  readonly namespace: string
  readonly release: string
  readonly expected: ExpectedRecords
  /** True once the cluster has taken the record that our helm creates. */
  readonly made: () => boolean
}

/** So old may a look be when a write goes out: helm without hooks seldom meets another. */
const freshMs = 500
/** Helm that has written nothing for so long has waited: another hand, which is a process, may have come and gone meanwhile. */
const pauseMs = 25
/** The pace of looks while helm writes nothing: it waits for a hook. */
const paceMs = 1_000

/**
 * Looks at Helm's records while our helm runs, and says when another hand has overtaken it (docs/adr/0026): then it may
 * write nothing more.
 */
export class RecordGuard {
  readonly #spec: RecordGuardSpec
  readonly #overtaken = new AbortController()
  #lookedAt = performance.now()
  #wroteAt: number | null = null
  #looking: Promise<boolean> | null = null
  readonly #timer: NodeJS.Timeout

  constructor(spec: RecordGuardSpec) {
    this.#spec = spec
    this.#timer = setInterval(() => void this.look(), paceMs).unref()
  }

  /** Aborted when another hand was seen. */
  get overtaken(): AbortSignal {
    return this.#overtaken.signal
  }

  /**
   * Before a write goes out: looks again unless it has just been done. It looks in any case before the first write after a
   * pause, and before every write of a record: nothing else tells that it was uninstalled and kept, after it is written
   * over. Rejects when the cluster does not show the records that are about to be changed, asked again where it broke.
   */
  async refresh(isRecord: boolean): Promise<void> {
    if (this.#overtaken.signal.aborted) return
    const now = performance.now()
    const hasPaused = this.#wroteAt !== null && now - this.#wroteAt > pauseMs
    this.#wroteAt = now
    if (hasPaused || isRecord) await this.#looking
    else if (now - this.#lookedAt <= freshMs) return
    const isSeen = await this.look()
    if (!isSeen && isRecord) throw new Error("Helm's records cannot be read, so none is written over")
  }

  /** Looks once; several callers share one look. False when the cluster does not answer, which proves nothing. */
  look(): Promise<boolean> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /** True for a record above the one that our helm makes: it is another hand's. */
  isAbove(version: number): boolean {
    const above = version > lastOwn(this.#spec.expected)
    if (above) this.#overtaken.abort()
    return above
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #lookOnce(): Promise<boolean> {
    const { cluster, namespace, release, expected, made } = this.#spec
    const from = performance.now()
    const isMade = made()
    try {
      const { records } = await listRecords(cluster, { namespace, release })
      this.#lookedAt = from
      if (isOvertaken(records, expected, isMade)) this.#overtaken.abort()
      return true
    } catch {
      return false
    }
  }
}

const lastOwn = ({ before, makes }: ExpectedRecords): number => before.revision + (makes === 'nothing' ? 0 : 1)

type Seen = Pick<RecordMetadata, 'version' | 'uid' | 'status' | 'operationId'>

/** Do these records say that another hand has worked on the release since our helm began? Pure. */
export function isOvertaken(records: readonly Seen[], expected: ExpectedRecords, made: boolean): boolean {
  const { before, makes, operationId } = expected
  const newest = [...records].sort((a, b) => b.version - a.version)[0]
  if (newest === undefined) return makes !== 'nothing' && (made || before.revision > 0)
  if (newest.version > lastOwn(expected)) return true
  if (makes === 'nothing') return newest.version === before.revision && newest.uid !== before.secretUid
  if (newest.status === 'uninstalling') return true
  if (newest.version <= before.revision) return made || newest.uid !== before.secretUid
  // `uninstall --keep-history` may begin and end between two looks.
  if (newest.status === 'uninstalled') return true
  return makes === 'labelled' && newest.operationId !== operationId
}
