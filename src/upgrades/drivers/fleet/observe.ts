import type { Execution, FleetSight, Member, Side } from '../../core/model.ts'
import { letsBe } from '../../core/position.ts'
import { asksOnTheWayBack } from '../../core/probes.ts'
import type { GateRow, Hashes } from '../../store/gate-row.ts'
import { isArmed } from '../deployment/fields.ts'
import type { FleetLook } from '../driver.ts'
import { carriesNote } from '../gate/annotation.ts'
import { gateOn } from '../gate/find.ts'
import { hashesFor, strayVersion } from '../gate/hashes.ts'
import { numberOr } from '../gate/json.ts'
import { markOf } from '../gate/mark.ts'
import type { GateKind, Lineage, Workload } from '../gate/model.ts'
import { admittedIn, isAppliedTemplate, isOpened, positionOf, type Sides, sideOf, sidesOf } from '../gate/position.ts'
import { hashesOf } from '../services/noted.ts'
import { readPin } from '../services/read-pin.ts'
import { type Fleet, type FleetParts, fleetOf } from './context.ts'
import { readDisruptions, readRefusals } from './evictions.ts'
import { type FleetPod, labelsOf, membersOf, presentHashes, readPods, refOf } from './members.ts'
import { readWhyNoPods } from './no-pods.ts'
import { readOthers } from './others.ts'
import { readProbes } from './probes.ts'

/** A fleet as it was read, before anything is asked of its pods. */
export type Seen = {
  readonly live: Workload
  readonly row: GateRow | null
  readonly lineage: Lineage & { readonly mark: string }
  readonly sides: Sides
  readonly hashes: Hashes
  readonly pods: readonly FleetPod[]
  readonly members: readonly Member[]
}

/** Looks at a fleet. Throws `ClusterError`, and whatever reading the database throws. */
export async function observeFleet(parts: FleetParts, execution: Execution, look: FleetLook): Promise<FleetSight> {
  const fleet = await fleetOf(parts, execution)
  if (fleet === null) return { kind: 'gone', why: 'the release is not known any more' }
  const live = await findConfirmed(fleet)
  const { kind, name } = fleet.workload
  if (live === null) return gone(parts, fleet, execution, `${kind} ${name} is not there any more`)
  if (await isReplaced(parts, execution, live)) {
    return gone(parts, fleet, execution, `${kind} ${name} is another one now`, live)
  }
  const seen = await readFleet(parts, fleet, execution, live)
  return sightOf(fleet, execution, seen, look)
}

async function gone(
  { db, gates }: FleetParts,
  { client, namespace }: Fleet,
  { id }: Execution,
  why: string,
  live: Workload | null = null,
): Promise<FleetSight> {
  const isHeld = live !== null && carriesNote(live)
  const pinned = await Promise.all((await gates.ofExecution(db, id)).map((row) => hashesOf({ client, namespace }, row)))
  const left = isHeld || pinned.flat().some(({ hash }) => hash !== null)
  return { kind: 'gone', why, ...(left ? { left } : {}) }
}

/** Null only when two reads say that it is not there: the end of an execution is decided by it. */
async function findConfirmed({ client, kind, namespace, workload }: Fleet): Promise<Workload | null> {
  const named = { namespace, name: workload.name }
  return (await client.find<Workload>(kind.resource, named)) ?? client.find<Workload>(kind.resource, named)
}

/** A workload of the same name that is not the one which the execution holds. */
export async function isReplaced(
  { db, gates }: FleetParts,
  { id }: Execution,
  { metadata }: Workload,
): Promise<boolean> {
  const held = (await gates.ofExecution(db, id)).filter(({ state }) => state.role === 'target')
  return held.length > 0 && held.every(({ workloadUid }) => workloadUid !== metadata.uid)
}

/** Reads a fleet: its gate, its pods, and which side each is on. Throws `ClusterError`. */
export async function readFleet(
  parts: FleetParts,
  { client, clusterId, kind, newestChartVersion }: Fleet,
  execution: Execution,
  live: Workload,
): Promise<Seen> {
  const row = await gateOn(parts, clusterId, kind, live)
  const lineage = { ...(await kind.lineage(client, live)), mark: markOf(live) }
  const pods = await readPods(client, live, lineage)
  const hashes = hashesFor(row, lineage, presentHashes(kind, pods), execution, newestChartVersion)
  const sides = sidesOf(row, lineage, execution, hashes)
  const members = membersOf(kind, pods, sides, (hash, side) => strayVersion(hash, side, hashes, execution))
  return { live, row, lineage, sides, hashes, pods, members }
}

async function sightOf(
  fleet: Fleet,
  execution: Execution,
  seen: Seen,
  { wantsProbe, aboutToGo }: FleetLook,
): Promise<FleetSight> {
  const { client, kind, namespace } = fleet
  const { live, row, lineage, sides, pods, members } = seen
  const present = members.filter(({ terminating }) => !terminating)
  const staying = new Map(
    pods.flatMap((pod) => (pod.metadata.deletionTimestamp === undefined ? [[refOf(pod).uid, pod] as const] : [])),
  )
  const asked = aboutToGo.flatMap(({ uid }) => staying.get(uid) ?? [])
  const hasPinned = row?.executionId === execution.id && row.originals.services.length > 0
  const labels = labelsOf(live, pods)
  const probed = present.filter(({ pod }) => wantsProbe(pod))
  const [opened, probes, refusals, disruptions, pin, others, whyNoPods] = await Promise.all([
    isOpenedNow(fleet, execution, seen),
    readProbes(client, namespace, execution.healthEndpoint, probed),
    readRefusals(client, namespace, asked),
    !kind.evicts && asksOnTheWayBack(execution) ? readDisruptions(client, namespace, pods) : null,
    hasPinned ? readPin(client, namespace, { labels, sides, members }) : null,
    readOthers(client, namespace, execution.change?.others ?? []),
    readWhyNoPods(client, kind, live, present.length),
  ])
  const previous = present.filter(({ side }) => side === 'previous').map(({ pod }) => pod.uid)
  const position = positionOf(kind, live, row, execution.id)
  const gate = admittedIn(kind, position, row, new Set(previous))
  return {
    kind: 'present',
    wanted: kind.instances(live),
    places: kind.places(live, members),
    members,
    gate,
    ...(opened ? { opened: true } : {}),
    template: sideOfTemplate(lineage, sides, execution),
    podTemplate: { mark: lineage.mark, hash: lineage.current },
    pin,
    probes,
    refusals,
    disruptions,
    others,
    whyNoPods,
    ...paceOf(kind, live),
  }
}

/** No controller tells a hash of a template that it is kept from, yet it may be known as another hand's. */
function sideOfTemplate({ current, mark }: Lineage, sides: Sides, { applied }: Execution): Side | null {
  if (current !== null) return sideOf(current, sides)
  return applied && !isAppliedTemplate(applied, mark) ? 'other' : null
}

/** Pods that nobody let go are read after the workload, which may have been opened in between: then it is read once more. */
async function isOpenedNow(
  { client, kind, namespace, workload }: Fleet,
  { id, instances }: Execution,
  seen: Seen,
): Promise<boolean> {
  const { live, row, members } = seen
  // All may go already: of a set that has been scaled up since, the new ones too, until the gate is told of them.
  if (kind.instances(live) > instances.length) return false
  if (row === null || isOpened(kind, live, row, id)) return row !== null
  const moved = members.filter(({ side, terminating }) => side === 'target' && !terminating).length
  if (moved <= letsBe(row.state.position)) return false
  const now = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  return now !== null && isOpened(kind, now, row, id)
}

/**
 * How long its controller lets a pod be ready before it goes on. A DaemonSet's pods are taken by us; and where our gate says that none
 * counts as available, nothing is known of it.
 */
function paceOf({ evicts, kind }: GateKind, live: Workload): { readonly minReadySeconds?: number } {
  const minReadySeconds = numberOr(live.spec?.minReadySeconds, 0)
  return kind === 'DaemonSet' || minReadySeconds === 0 || (!evicts && isArmed(live)) ? {} : { minReadySeconds }
}
