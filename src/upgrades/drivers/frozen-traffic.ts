import type { FrozenRelease, FrozenTraffic, FrozenWorkloads } from '../../releases/index.ts'
import type { GateRow, GateState } from '../store/gate-row.ts'
import type { FleetParts } from './fleet/context.ts'
import type { Hand } from './fleet/hand.ts'
import { fleetOfRow, readPresent } from './frozen-fleet.ts'
import { namesByHash } from './frozen-names.ts'
import { hashesOf, type Pinned } from './services/noted.ts'
import { repinServices } from './services/pin.ts'

type Outage = Extract<FrozenTraffic, { kind: 'outage' }>
/** A row whose Services are pinned, with what they say, which sets could serve, and the hash of the present template. */
type Seen = {
  readonly row: GateRow
  readonly pinned: readonly Pinned[]
  readonly serving: ReadonlySet<string>
  readonly current: string | null
}
type Names = (hash: string | null) => string

/** Where the traffic of a frozen release goes; null where nothing of it is pinned. Changes nothing. Throws `ClusterError`. */
export async function readTraffic(
  parts: FleetParts,
  release: Parameters<FrozenWorkloads['traffic']>[0],
): Promise<FrozenTraffic | null> {
  const seen = await readPinned(parts, release)
  const named = seen.map((each) => ({ ...each, nameOf: namesIn(each, release.frozen?.versions ?? {}) }))
  const outage = outageIn(named.flatMap((each) => outagesOf(each, each.nameOf)))
  if (outage !== null) return outage
  const pins = named.flatMap(({ pinned, nameOf }) =>
    pinned.map(({ service, hash }) => [service, nameOf(hash)] as const),
  )
  return pins.length === 0 ? null : { kind: 'serves', pins: Object.fromEntries(pins) }
}

/**
 * What is told of several outages: all of them in words, and as the one to be seen to one that can be, wherever it stands.
 * Null without any. Pure.
 */
export function outageIn(outages: readonly Outage[]): Outage | null {
  const chosen = outages.find(({ to }) => to !== null) ?? outages[0]
  if (chosen === undefined) return null
  return { ...chosen, detail: [...new Set(outages.map(({ detail }) => detail))].join('; ') }
}

/** Moves the pins that serve nobody to a set that has passed and can serve; others, and where there is none, stay. */
export async function repinToServing(parts: FleetParts, release: FrozenRelease, hand: Hand): Promise<void> {
  for (const seen of (await readPinned(parts, release)).filter(isOutage)) {
    const hash = wayOut(seen)
    const fleet = fleetOfRow(parts, release, seen.row)
    if (hash !== null) await repinServices(fleet, seen.row, hash, hand)
  }
}

async function readPinned(parts: FleetParts, release: FrozenRelease): Promise<readonly Seen[]> {
  const rows = await parts.gates.ofRelease(parts.db, release.id)
  const pinnable = rows.filter(({ originals }) => originals.services.length > 0)
  const all = await Promise.all(pinnable.map((row) => readRow(parts, release, row)))
  return all.filter(({ pinned }) => pinned.length > 0)
}

/** A Service that another hand has taken the pin from sends to both sets, and is that hand's. */
async function readRow(parts: FleetParts, release: FrozenRelease, row: GateRow): Promise<Seen> {
  const fleet = fleetOfRow(parts, release, row)
  const pinned = (await hashesOf(fleet, row)).filter(({ hash }) => hash !== null)
  const present = pinned.length === 0 ? null : await readPresent(fleet)
  return { row, pinned, serving: present?.serving ?? new Set(), current: present?.current ?? null }
}

const servesNobody = ({ hash }: Pinned, serving: ReadonlySet<string>): boolean => hash === null || !serving.has(hash)

function isOutage({ pinned, serving }: Seen): boolean {
  return pinned.some((pin) => servesNobody(pin, serving))
}

/** The set that has passed and has a ready pod; null where none has. */
function wayOut({ row: { state }, serving }: Seen): string | null {
  return passedSets(state).find((hash) => serving.has(hash)) ?? null
}

/** A row of before it was noted tells of the previous version alone. */
function passedSets({ passed, previous }: GateState): readonly string[] {
  return passed ?? (previous === null ? [] : [previous])
}

function outagesOf(seen: Seen, nameOf: Names): readonly Outage[] {
  const { pinned, serving } = seen
  const hash = wayOut(seen)
  const why = serving.size === 0 ? 'and none of the other set is' : 'and the other set has not passed'
  const ends = hash === null ? `, ${why}: unfreeze?to=target or ?to=previous ends the freeze` : ''
  return pinned
    .filter((pin) => servesNobody(pin, serving))
    .map((pin) => ({
      kind: 'outage',
      service: pin.service,
      to: hash === null ? null : nameOf(hash),
      detail: `Service ${pin.service} is pinned to ${nameOf(pin.hash)}, of which no pod is ready${ends}`,
    }))
}

function namesIn({ row, current }: Seen, known: Readonly<Record<string, number>>): Names {
  const names = namesByHash(row.state.hashes, current, known)
  return (hash) => names.get(hash ?? '') ?? 'another version'
}
