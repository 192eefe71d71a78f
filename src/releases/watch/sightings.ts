import type { Uuid } from '../../core/subject.ts'
import type { ObservedRevision } from '../core/model.ts'

/** What the watch of a cluster knows of one release: which write of which revision is the newest. */
export type Sighting = {
  readonly namespace: string
  readonly name: string
  readonly status: string
  /** A revision of ours beneath it is not as it should be. */
  readonly disputed: boolean
} & ObservedRevision

/** A release that is not uninstalled, as the database has it. */
export type Known = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly namespace: string
  readonly name: string
  readonly observed: ObservedRevision | null
  /** Its worker is looking at it already. */
  readonly busy: boolean
  /** Helm never had a record of it. */
  readonly neverThere: boolean
}

export type Differences = {
  /** Releases whose record is another one than the one that was looked at last, or is gone. */
  readonly changed: readonly { readonly id: Uuid; readonly tenantId: Uuid; readonly key: string }[]
  /** Records of releases that Flotilla does not know. */
  readonly unknown: readonly Sighting[]
  /** The keys of those that are busy, so that the comparison has to be repeated when they no longer are. */
  readonly busy: readonly string[]
}

export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`

/**
 * True when revisions of ours beneath the newest are pending, or `deployed` beside it: a write of a helm that was ended
 * arrived late. It leaves the newest as it is, so that nothing else tells.
 */
export function isDisputed(newest: string, beneath: readonly { readonly status: string }[]): boolean {
  const deployed = beneath.filter(({ status }) => status === 'deployed').length + (newest === 'deployed' ? 1 : 0)
  return deployed > 1 || beneath.some(({ status }) => status.startsWith('pending-'))
}

/** Holds what is in the cluster against what is known. Pure. */
export function differences(seen: ReadonlyMap<string, Sighting>, known: readonly Known[]): Differences {
  const names = new Set(known.map(keyOf))
  const stale = known.filter((release) => differs(release, seen.get(keyOf(release))))
  return {
    changed: stale
      .filter(({ busy }) => !busy)
      .map(({ id, tenantId, ...named }) => ({ id, tenantId, key: keyOf(named) })),
    // `helm uninstall --keep-history` leaves a record of what is no release any more.
    unknown: [...seen.values()].filter((sighting) => !names.has(keyOf(sighting)) && sighting.status !== 'uninstalled'),
    busy: stale.filter(({ busy }) => busy).map(keyOf),
  }
}

function differs(release: Known, sighting: Sighting | undefined): boolean {
  if (sighting === undefined) return !release.neverThere && release.observed !== null
  const { observed } = release
  if (sighting.disputed) return true
  return observed?.secretUid !== sighting.secretUid || observed.resourceVersion !== sighting.resourceVersion
}
