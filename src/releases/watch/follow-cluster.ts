import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { wake } from '../../infra/engine/index.ts'
import { operationLabel } from '../../infra/helm/index.ts'
import type { HelmRecord } from '../../infra/kubernetes/helmwatch.ts'
import type { Log } from '../../infra/log.ts'
import type { ReleaseDeps } from '../deps.ts'
import { knownReleases } from '../store/sightings.ts'
import { adopt } from './adopt.ts'
import { type Differences, differences, isDisputed, keyOf, type Sighting } from './sightings.ts'

/** Events of one release come in bursts (helm writes its record several times); they are looked at together. */
const gatherMs = 400
/** Everything is compared at this pace besides, so that nothing that was missed stays missed. */
const fullEveryMs = 15_000
/** What its worker is at is seen by the worker itself: it is only compared again in case that has ended before the last write. */
const busyEveryMs = 2_000
/** A release that was woken has looked by then, unless it cannot: then it is compared with all others. */
const wokenForMs = 5_000

/** What the watch of Helm's records offers: those that are current, and whether it has seen all of them. */
export type RecordSource = {
  readonly synced: boolean
  all(): Iterable<HelmRecord>
  current(namespace: string, release: string): HelmRecord | null
  beneath(namespace: string, release: string): readonly HelmRecord[]
}

/**
 * Follows Helm's records on one cluster: wakes the releases whose records changed and adopts those that nobody knows.
 * The watch tells `touch`; `run` returns when the signal is aborted.
 */
export class ClusterFollower {
  private readonly deps: ReleaseDeps
  private readonly clusterId: Uuid
  private readonly log: Log
  /** Names of which something is new: whoever they are of is woken. */
  private touched: Set<string> = new Set()
  /**
   * Names whose release was woken and has not looked yet, and since when. They are compared until it has, for a while: what
   * another hand has installed under the name of one that is gone is nobody's only then.
   */
  private woken: ReadonlyMap<string, Instant> = new Map()

  /** Names whose release is busy, and when they are compared again. */
  private busy: Set<string> = new Set()
  private busyDue: Instant = 0

  constructor(deps: ReleaseDeps, clusterId: Uuid, log: Log) {
    this.deps = deps
    this.clusterId = clusterId
    this.log = log
  }

  touch(namespace: string, release: string): void {
    this.touched.add(`${namespace}/${release}`)
  }

  async run(source: RecordSource, signal: AbortSignal): Promise<void> {
    let nextFull = 0
    while (!signal.aborted) {
      await this.deps.clock.sleep(gatherMs, signal)
      if (!source.synced || signal.aborted) continue
      const full = this.deps.clock.now() >= nextFull
      if (full) nextFull = this.deps.clock.now() + fullEveryMs
      this.takeBusy()
      if (full || this.touched.size + this.wokenLately().length > 0) await this.compareSafely(source, full)
    }
  }

  private async compareSafely(source: RecordSource, full: boolean): Promise<void> {
    const touched = this.touched
    this.touched = new Set()
    try {
      await this.compare(source, full ? null : touched)
    } catch (error) {
      this.log.warn({ err: error, clusterId: this.clusterId }, 'following the cluster failed; it is tried again')
      for (const name of touched) this.touched.add(name)
    }
  }

  /** Compares everything, or what is touched and what was woken before. */
  private async compare(source: RecordSource, touched: ReadonlySet<string> | null): Promise<void> {
    const names = touched && new Set([...touched, ...this.wokenLately()])
    const seen = sightings(source, names)
    const known = await knownReleases(this.deps.db, this.clusterId, names)
    const { changed, unknown, busy } = differences(seen, known)
    await this.wakeAll(changed.filter(({ key }) => touched === null || touched.has(key)))
    this.woken = this.stillWoken(changed, touched, names)
    this.compareLater(busy)
    for (const sighting of unknown) await this.adoptOne(sighting)
  }

  private compareLater(names: readonly string[]): void {
    // What waits already is not put off by what comes later.
    if (this.busy.size === 0) this.busyDue = this.deps.clock.now() + busyEveryMs
    for (const name of names) this.busy.add(name)
  }

  private takeBusy(): void {
    if (this.busy.size === 0 || this.deps.clock.now() < this.busyDue) return
    for (const name of this.busy) this.touched.add(name)
    this.busy = new Set()
  }

  private wokenLately(): readonly string[] {
    const now = this.deps.clock.now()
    return [...this.woken].filter(([, since]) => now - since < wokenForMs).map(([key]) => key)
  }

  /** A further write begins the time anew. What was not compared is as it was. */
  private stillWoken(
    changed: Differences['changed'],
    touched: ReadonlySet<string> | null,
    names: ReadonlySet<string> | null,
  ): ReadonlyMap<string, Instant> {
    const now = this.deps.clock.now()
    const since = (key: string) => (touched?.has(key) ? now : (this.woken.get(key) ?? now))
    const left = [...this.woken].filter(([key]) => names !== null && !names.has(key))
    return new Map([...left, ...changed.map(({ key }) => [key, since(key)] as const)])
  }

  private async wakeAll(changed: Differences['changed']): Promise<void> {
    if (changed.length === 0) return
    const inOrder = [...changed].sort((a, b) => (a.id < b.id ? -1 : 1))
    await transaction(this.deps.db, async (tx) => {
      for (const { id, tenantId } of inOrder) await wake(tx, { kind: 'release', id }, { share: tenantId })
    })
  }

  private async adoptOne({ namespace, name }: Sighting): Promise<void> {
    try {
      await adopt(this.deps, this.clusterId, namespace, name)
    } catch (error) {
      this.log.warn({ err: error, namespace, name }, 'a release that another hand made could not be adopted')
    }
  }
}

function sightings(source: RecordSource, names: ReadonlySet<string> | null): ReadonlyMap<string, Sighting> {
  const records = names === null ? [...source.all()] : [...names].map((key) => recordOf(source, key))
  const seen = records.filter((record) => record !== null).map((record) => sightingOf(source, record))
  return new Map(seen.map((sighting) => [keyOf(sighting), sighting]))
}

function recordOf(source: RecordSource, key: string): HelmRecord | null {
  const [namespace = '', release = ''] = key.split('/')
  return source.current(namespace, release)
}

function sightingOf(source: RecordSource, newest: HelmRecord): Sighting {
  const { namespace, release, uid, resourceVersion, status } = newest
  const ours = ({ labels }: HelmRecord) => labels[operationLabel] !== undefined
  const disputed = isDisputed(status, source.beneath(namespace, release).filter(ours))
  return { namespace, name: release, status, secretUid: uid, resourceVersion, disputed }
}
