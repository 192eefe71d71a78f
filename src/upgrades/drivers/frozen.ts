import { fenced, type Lease } from '../../infra/engine/index.ts'
import type { KeptSelector } from '../../infra/helm/index.ts'
import type { FrozenRelease, FrozenWorkloads } from '../../releases/index.ts'
import type { GatePosition } from '../core/model.ts'
import type { GateRow } from '../store/gate-row.ts'
import type { Held } from './driver.ts'
import { bring } from './fleet/bring.ts'
import type { Fleet, FleetParts } from './fleet/context.ts'
import { acting, type Hand } from './fleet/hand.ts'
import { readVersions } from './frozen-count.ts'
import { fleetOfRow, heldWorkloads, readPresent } from './frozen-fleet.ts'
import { readTemplates } from './frozen-templates.ts'
import { readTraffic, repinToServing } from './frozen-traffic.ts'
import { carriesNote } from './gate/annotation.ts'
import type { GateGoal } from './gate/row.ts'
import { readHeldFields } from './held-fields.ts'
import { readScaled } from './scaled.ts'
import { hashesOf } from './services/noted.ts'
import { handOverServices, unpinServices } from './services/pin.ts'
import { HASH } from './services/select.ts'

/** Frozen workloads over the same parts as the driver. */
export function frozenWorkloads(parts: FleetParts): FrozenWorkloads {
  return {
    halt: (release, lease, way) => acting(under(lease), (hand) => haltAll(parts, release, way, hand)),
    restore: (release, lease) => acting(under(lease), (hand) => restoreAll(parts, release, hand)),
    pins: async (release, lease) => {
      const pins: KeptSelector[] = []
      await acting(under(lease), async () => void pins.push(...(await readPins(parts, release))))
      return pins
    },
    bounds: (release) => readHeldFields(parts, release),
    scaled: (release) => readScaled(parts, release),
    versions: (release) => readVersions(parts, release),
    traffic: (release) => readTraffic(parts, release),
    templates: (release) => readTemplates(parts, release),
    stillHeld: async (release) =>
      (await heldWorkloads(parts, release)).some(({ live }) => live !== null && carriesNote(live)),
    repin: (release, lease) => acting(under(lease), (hand) => repinToServing(parts, release, hand)),
  }
}

/** Acts of releases end their writes here with the lease. */
function under(lease: Lease): Held {
  return { lease, signal: lease.signal }
}

async function haltAll(parts: FleetParts, release: FrozenRelease, way: 'on' | 'back', hand: Hand): Promise<void> {
  for (const row of await parts.gates.ofRelease(parts.db, release.id)) {
    const fleet = fleetOfRow(parts, release, row)
    await handOverPins(fleet, row, hand)
    const goal = { ...goalOf(parts, release, row, { kind: 'halted' }, hand), goesBack: way === 'back' }
    await bring(parts, fleet, fleet.workload, goal, hand)
  }
}

async function restoreAll(parts: FleetParts, release: FrozenRelease, hand: Hand): Promise<void> {
  for (const row of await parts.gates.ofRelease(parts.db, release.id)) await restoreOne(parts, release, row, hand)
  await fenced(parts.db, hand.lease, async (tx) => {
    for (const row of await parts.gates.ofRelease(tx, release.id)) await parts.gates.drop(tx, row)
  })
}

/** Pinned to the side that goes, Services would be left without endpoints; to the one that stays, they stay until it is alone. */
async function restoreOne(parts: FleetParts, release: FrozenRelease, row: GateRow, hand: Hand): Promise<void> {
  const fleet = fleetOfRow(parts, release, row)
  const stays = await pinStays(fleet, row)
  if (!stays) await unpinServices(parts, fleet, row, hand)
  await bring(parts, fleet, fleet.workload, goalOf(parts, release, row, { kind: 'none' }, hand), hand)
  if (!stays) return
  await untilAlone(parts, fleet, hand)
  const opened = await parts.gates.ofName(parts.db, row)
  if (opened !== null) await unpinServices(parts, fleet, opened, hand)
}

async function pinStays(fleet: Fleet, row: GateRow): Promise<boolean> {
  const pinned = (await hashesOf(fleet, row)).flatMap(({ hash }) => hash ?? [])
  const present = pinned.length === 0 ? null : await readPresent(fleet)
  return present !== null && present.current !== null && pinned.every((hash) => hash === present.current)
}

const ALONE_TRIES = 50
const ALONE_PAUSE_MS = 200

async function untilAlone({ clock }: FleetParts, fleet: Fleet, hand: Hand): Promise<void> {
  for (let tries = 0; tries < ALONE_TRIES && !hand.lease.signal.aborted; tries++) {
    const present = await readPresent(fleet)
    if (present === null || present.all.every((hash) => hash === present.current)) return
    await clock.sleep(ALONE_PAUSE_MS, hand.lease.signal)
  }
  throw hand.failure('unavailable', 'pods of the version that goes are still there')
}

/** Pins to the previous version: the other may not have passed. Where that one is pinned, both have. */
async function readPins(parts: FleetParts, release: FrozenRelease): Promise<readonly KeptSelector[]> {
  const rows = await parts.gates.ofRelease(parts.db, release.id)
  const kept = rows.map(async (row) => {
    const pinned = await hashesOf(fleetOfRow(parts, release, row), row)
    return pinned.flatMap(({ service, hash }): readonly KeptSelector[] => {
      return hash === null || hash !== row.state.previous ? [] : [{ service, labels: { [HASH]: hash } }]
    })
  })
  return (await Promise.all(kept)).flat()
}

async function handOverPins(fleet: Fleet, row: GateRow, hand: Hand): Promise<void> {
  if (row.originals.services.length === 0) return
  const present = await readPresent(fleet)
  await handOverServices(fleet, row, present?.serving ?? new Set(), hand)
}

/** In the name of the execution that left it. What is not there any more has no gate either: as for other workloads. */
function goalOf(
  { clock }: FleetParts,
  { id, clusterId }: FrozenRelease,
  row: GateRow,
  position: GatePosition,
  { lease }: Hand,
): GateGoal {
  return {
    ...{ position, clusterId, releaseId: id, executionId: row.executionId, deployed: true, role: 'other' },
    versions: { from: '', to: '' },
    ...{
      take: [],
      goesBack: false,
      passed: false,
      current: null,
      movedFrom: null,
      applies: null,
      hashes: {},
      applied: false,
      epoch: lease.epoch,
      now: clock.now(),
    },
  }
}
