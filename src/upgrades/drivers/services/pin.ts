import type { JsonObject } from '../../../core/json.ts'
import { fenced } from '../../../infra/engine/index.ts'
import { resources } from '../../../infra/kubernetes/index.ts'
import type { GateRow, PinnedService } from '../../store/gate-row.ts'
import { guarded, patchOnce } from '../fleet/bring.ts'
import type { Fleet, FleetParts } from '../fleet/context.ts'
import type { Hand } from '../fleet/hand.ts'
import { fieldManager } from '../gate/model.ts'
import { withdrawPatch } from '../gate/ownership.ts'
import { isNoted } from './noted.ts'
import { HASH, hashOf, type Labels, type Service, selects } from './select.ts'

const MOST_STEPS = 5

/** The row with what the Services were like before they were pinned; what is noted of one already stays. Pure. */
export function withServices(row: GateRow, services: readonly Service[]): GateRow {
  const known = row.originals.services
  const unknown = services.filter((service) => !known.some((noted) => isNoted(service, noted, row)))
  const added = unknown.map((service) => ({ ...nameAndUid(service), hash: hashOf(service) }))
  return { ...row, originals: { ...row.originals, services: [...known, ...added] } }
}

const nameAndUid = ({ metadata: { name, uid = '' } }: Service) => ({ name, uid })

/** Pins Services to a hash. What they were like is committed first. */
export async function pinServices(
  parts: FleetParts,
  fleet: Fleet,
  row: GateRow,
  services: readonly Service[],
  hash: string,
  hand: Hand,
): Promise<void> {
  await fenced(parts.db, hand.lease, (tx) => parts.gates.put(tx, withServices(row, services)))
  for (const { metadata } of services) {
    const isThis: IsOurs = (service) => service.metadata.uid === metadata.uid
    await select(fleet, metadata.name, isThis, hash, hand)
  }
}

/** Takes the pins of a row away, puts back what was there, and gives the fields back. */
export async function unpinServices(parts: FleetParts, fleet: Fleet, row: GateRow, hand: Hand): Promise<void> {
  await unpin(parts, fleet, row, row.originals.services, hand)
}

/**
 * The same of those that another hand has sent elsewhere, or to nobody: what is left of the pin there would keep the traffic
 * from whatever that hand means. Answers the row with the others. `labels`: those that the pods have.
 */
export async function unpinStrays(
  parts: FleetParts,
  fleet: Fleet,
  row: GateRow,
  labels: readonly Labels[],
  hand: Hand,
): Promise<GateRow> {
  const { services } = row.originals
  if (services.length === 0) return row
  const { items } = await fleet.client.list<Service>(resources.services, { namespace: fleet.namespace })
  const strays = items.filter((service) => hashOf(service) !== null && !labels.some((each) => selects(service, each)))
  const left = services.filter((noted) => strays.some((service) => isNoted(service, noted, row)))
  return unpin(parts, fleet, row, left, hand)
}

async function unpin(
  parts: FleetParts,
  fleet: Fleet,
  row: GateRow,
  which: readonly PinnedService[],
  hand: Hand,
): Promise<GateRow> {
  if (which.length === 0) return row
  for (const noted of which) {
    const isOurs: IsOurs = (service) => isNoted(service, noted, row)
    await select(fleet, noted.name, isOurs, noted.hash, hand)
    await withdraw(fleet, noted, isOurs, hand)
  }
  const services = row.originals.services.filter((noted) => !which.includes(noted))
  const after = { ...row, originals: { ...row.originals, services } }
  await fenced(parts.db, hand.lease, (tx) => parts.gates.put(tx, after))
  return after
}

/**
 * Before helm runs: the Services stay pinned as long as pods are ready there, and their selectors are nobody's, so that
 * helm meets no conflict. What it applies has no pin any more: a selector is one field. `serving`: the hashes of ready
 * pods; where none has the one of a pin, what was there before is put back.
 */
export async function handOverServices(
  fleet: Fleet,
  row: GateRow,
  serving: ReadonlySet<string>,
  hand: Hand,
): Promise<void> {
  for (const noted of row.originals.services) {
    const isOurs: IsOurs = (service) => isNoted(service, noted, row)
    await until(fleet, noted.name, isOurs, hand, (service) => {
      const pinned = hashOf(service)
      const body = pinned === null || serving.has(pinned) ? null : selectorPatch(service, noted.hash)
      return body === null ? null : guarded(service, body)
    })
    await withdraw(fleet, noted, isOurs, hand)
  }
}

/** The change of a Service's selector; null where it says so already. Pure. */
export function selectorPatch(service: Service, hash: string | null): JsonObject | null {
  return hashOf(service) === hash ? null : { spec: { selector: { [HASH]: hash } } }
}

/** Moves the pins of a row to another hash. A Service that is gone, is another one, or was unpinned by another hand, is left alone. */
export async function repinServices(fleet: Fleet, row: GateRow, hash: string, hand: Hand): Promise<void> {
  for (const noted of row.originals.services) {
    const isPinned: IsOurs = (service) => hashOf(service) !== null && isNoted(service, noted, row)
    await select(fleet, noted.name, isPinned, hash, hand)
  }
}

/** Which Service of a name is ours to touch. */
type IsOurs = (service: Service) => boolean

async function select(fleet: Fleet, name: string, isOurs: IsOurs, hash: string | null, hand: Hand): Promise<void> {
  await until(fleet, name, isOurs, hand, (service) => {
    const body = selectorPatch(service, hash)
    return body === null ? null : guarded(service, body)
  })
}

/** A Service that was made anew has our pin in the name of whoever made it. */
async function withdraw(fleet: Fleet, { name, uid }: PinnedService, isOurs: IsOurs, hand: Hand): Promise<void> {
  await until(fleet, name, isOurs, hand, (service) => {
    const body = withdrawPatch(service, {}, service.metadata.uid === uid ? [] : ['selector'])
    return body === null ? null : { type: 'json', body, fieldManager }
  })
}

type Next = (service: Service) => Parameters<Fleet['client']['patch']>[2] | null

/** Patches until nothing is left to patch. A Service that is gone, or is another one, is not ours to touch. */
async function until(fleet: Fleet, name: string, isOurs: IsOurs, hand: Hand, next: Next): Promise<void> {
  const named = { namespace: fleet.namespace, name }
  let service = await fleet.client.find<Service>(resources.services, named)
  for (let step = 0; step < MOST_STEPS; step++) {
    if (service === null || !isOurs(service)) return
    const patch = next(service)
    if (patch === null) return
    service = await patchOnce(fleet, resources.services, service, patch, hand)
  }
  throw hand.failure('conflict', `Service ${name} is being changed by another hand`)
}
