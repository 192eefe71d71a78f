import { resources } from './resources.ts'
import type { KubeObject, ObjectMeta } from './types.ts'
import { type Change, Replica } from './watch/replica.ts'
import { type WatchSpec, watchCollection } from './watch/watch.ts'

/** One stored revision, as its Secret's metadata tells. Nothing of it is proved: a chart can write such a Secret. */
export type HelmRecord = {
  readonly namespace: string
  readonly release: string
  readonly revision: number
  readonly uid: string
  readonly resourceVersion: string
  /** Helm's own word: `deployed`, `failed`, `pending-upgrade`, … */
  readonly status: string
  readonly labels: Readonly<Record<string, string>>
}

/**
 * A release whose records changed. `current` is its highest revision that is not superseded; null: the watch knows none
 * any more, which is to be confirmed by a read of its own before anything follows from it.
 */
export type HelmChange = { readonly namespace: string; readonly release: string; readonly current: HelmRecord | null }

export type HelmWatchSpec = Pick<WatchSpec, 'transport' | 'clock' | 'random' | 'signal'> & {
  /** Where the rights are narrower than the cluster. */
  readonly namespace?: string
  /** Must not throw; it only wakes who reads for himself. */
  readonly onChange: (change: HelmChange) => void
  /** True while the watch is current, false while it is in doubt. */
  readonly onLive?: (live: boolean) => void
}

/** The current revisions of all releases of a cluster. */
export interface HelmWatch {
  /** True once a list was whole. */
  readonly synced: boolean
  /** The highest revision that is not superseded; null when none is known. */
  current(namespace: string, release: string): HelmRecord | null
  /** Those that are not superseded, though a newer one is there. */
  beneath(namespace: string, release: string): readonly HelmRecord[]
  /** All releases that are known. */
  all(): IterableIterator<HelmRecord>
  /** Runs until the signal ends it; never rejects otherwise. */
  run(): Promise<void>
}

const selection = { labelSelector: 'owner=helm,status!=superseded', fieldSelector: 'type=helm.sh/release.v1' }

/** One metadata watch for all releases of a cluster (DESIGN.md, "Watching clusters cheaply"). */
export function createHelmWatch(spec: HelmWatchSpec): HelmWatch {
  return new RecordsWatch(spec)
}

class RecordsWatch implements HelmWatch {
  readonly #spec: HelmWatchSpec
  readonly #replica = new Replica<KubeObject, HelmRecord>(({ metadata }) => readRecord(metadata))
  /** Records by release, then by revision: an operation in progress has two. */
  readonly #releases = new Map<string, Map<number, HelmRecord>>()

  constructor(spec: HelmWatchSpec) {
    this.#spec = spec
  }

  get synced(): boolean {
    return this.#replica.synced
  }

  current(namespace: string, release: string): HelmRecord | null {
    return highest(this.#releases.get(`${namespace}/${release}`))
  }

  beneath(namespace: string, release: string): readonly HelmRecord[] {
    const records = this.#releases.get(`${namespace}/${release}`)
    const newest = highest(records)
    return [...(records?.values() ?? [])].filter(({ revision }) => revision < (newest?.revision ?? 0))
  }

  *all(): IterableIterator<HelmRecord> {
    for (const records of this.#releases.values()) {
      const record = highest(records)
      if (record !== null) yield record
    }
  }

  async run(): Promise<void> {
    const { namespace, onLive, ...rest } = this.#spec
    const within = namespace === undefined ? selection : { ...selection, namespace }
    const watch = watchCollection({ ...rest, resource: resources.secrets, selection: within, metadataOnly: true })
    for await (const event of watch) {
      for (const change of this.#replica.apply(event)) this.#take(change)
      if (event.type === 'synced' || event.type === 'live') onLive?.(true)
      if (event.type === 'stale') onLive?.(false)
    }
  }

  #take({ before, after }: Change<HelmRecord>): void {
    if (before !== null && after !== null && isSame(before, after)) return
    const { namespace, release } = after ?? before ?? { namespace: '', release: '' }
    const key = `${namespace}/${release}`
    const records = this.#releases.get(key) ?? new Map<number, HelmRecord>()
    if (before !== null) records.delete(before.revision)
    if (after !== null) records.set(after.revision, after)
    if (records.size === 0) this.#releases.delete(key)
    else this.#releases.set(key, records)
    this.#spec.onChange({ namespace, release, current: highest(records) })
  }
}

/** Null for a Secret whose name and labels do not agree: it is not Helm's. */
export function readRecord({ name, namespace, uid, resourceVersion, labels = {} }: ObjectMeta): HelmRecord | null {
  const revision = Number(labels.version)
  const release = labels.name ?? ''
  if (!Number.isSafeInteger(revision) || name !== `sh.helm.release.v1.${release}.v${revision}`) return null
  if (namespace === undefined || uid === undefined || resourceVersion === undefined) return null
  return { namespace, release, revision, uid, resourceVersion, status: labels.status ?? 'unknown', labels }
}

function isSame(one: HelmRecord, other: HelmRecord): boolean {
  return one.uid === other.uid && one.resourceVersion === other.resourceVersion
}

function highest(records: ReadonlyMap<number, HelmRecord> | undefined): HelmRecord | null {
  let found: HelmRecord | null = null
  for (const record of records?.values() ?? []) if (found === null || record.revision > found.revision) found = record
  return found
}
