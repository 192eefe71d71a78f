import type { JsonObject } from '../../../core/json.ts'
import { fenced } from '../../../infra/engine/index.ts'
import { resources } from '../../../infra/kubernetes/index.ts'
import type { GateRow, PinnedService } from '../../store/gate-row.ts'
import { guarded, patchOnce } from '../fleet/bring.ts'
import type { Fleet, FleetParts } from '../fleet/context.ts'
import type { Hand } from '../fleet/hand.ts'
import { fieldManager } from '../gate/model.ts'
import { withdrawPatch } from '../gate/ownership.ts'
import { HASH, hashOf, type Service } from './select.ts'

const MOST_STEPS = 5

/** The row with what the Services were like before they were pinned; what is noted of one already stays. Pure. */
export function withServices(row: GateRow, services: readonly Service[]): GateRow {
  const known = new Set(row.originals.services.map(({ uid }) => uid))
  const found = services.map(
    (service): PinnedService => ({
      name: service.metadata.name,
      uid: service.metadata.uid ?? '',
      hash: hashOf(service),
    }),
  )
  const added = found.filter(({ uid }) => !known.has(uid))
  return { ...row, originals: { ...row.originals, services: [...row.originals.services, ...added] } }
}

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
  for (const { metadata } of services) await select(fleet, metadata.name, metadata.uid ?? '', hash, hand)
}

/** Takes the pins of a row away, puts back what was there, and gives the fields back. */
export async function unpinServices(parts: FleetParts, fleet: Fleet, row: GateRow, hand: Hand): Promise<void> {
  const { services } = row.originals
  if (services.length === 0) return
  for (const { name, uid, hash } of services) {
    await select(fleet, name, uid, hash, hand)
    await withdraw(fleet, name, uid, hand)
  }
  const after = { ...row, originals: { ...row.originals, services: [] } }
  await fenced(parts.db, hand.lease, (tx) => parts.gates.put(tx, after))
}

/**
 * Before helm runs: the Services stay pinned as long as pods are ready there, and their selectors are nobody's, so that
 * helm meets no conflict. What it applies has no pin any more: a selector is one field. `serving`: the hashes of ready
 * pods; where none has the one of a pin, what was there before is put back.
 */
export async function handOverServices(
  fleet: Fleet,
  { originals }: GateRow,
  serving: ReadonlySet<string>,
  hand: Hand,
): Promise<void> {
  for (const { name, uid, hash } of originals.services) {
    await until(fleet, name, uid, hand, (service) => {
      const pinned = hashOf(service)
      const body = pinned === null || serving.has(pinned) ? null : selectorPatch(service, hash)
      return body === null ? null : guarded(service, body)
    })
    await withdraw(fleet, name, uid, hand)
  }
}

/** The change of a Service's selector; null where it says so already. Pure. */
export function selectorPatch(service: Service, hash: string | null): JsonObject | null {
  return hashOf(service) === hash ? null : { spec: { selector: { [HASH]: hash } } }
}

/** Pins one Service, which was pinned before, to another hash. One that is gone, or another one now, is left alone. */
export function repinService(fleet: Fleet, name: string, uid: string, hash: string, hand: Hand): Promise<void> {
  return select(fleet, name, uid, hash, hand)
}

async function select(fleet: Fleet, name: string, uid: string, hash: string | null, hand: Hand): Promise<void> {
  await until(fleet, name, uid, hand, (service) => {
    const body = selectorPatch(service, hash)
    return body === null ? null : guarded(service, body)
  })
}

async function withdraw(fleet: Fleet, name: string, uid: string, hand: Hand): Promise<void> {
  await until(fleet, name, uid, hand, (service) => {
    const body = withdrawPatch(service)
    return body === null ? null : { type: 'json', body, fieldManager }
  })
}

type Next = (service: Service) => Parameters<Fleet['client']['patch']>[2] | null

/** Patches until nothing is left to patch. A Service that is gone, or is another one, is not ours to touch. */
async function until(fleet: Fleet, name: string, uid: string, hand: Hand, next: Next): Promise<void> {
  const named = { namespace: fleet.namespace, name }
  let service = await fleet.client.find<Service>(resources.services, named)
  for (let step = 0; step < MOST_STEPS; step++) {
    if (service === null || service.metadata.uid !== uid) return
    const patch = next(service)
    if (patch === null) return
    service = await patchOnce(fleet, resources.services, service, patch, hand)
  }
  throw hand.failure('conflict', `Service ${name} is being changed by another hand`)
}
