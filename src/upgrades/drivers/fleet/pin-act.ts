import { resources } from '../../../infra/kubernetes/index.ts'
import type { Execution } from '../../core/model.ts'
import type { Workload } from '../gate/model.ts'
import { withdrawsAt } from '../gate/steps.ts'
import { isNoted } from '../services/noted.ts'
import { handOverServices, pinServices, unpinServices, withServices } from '../services/pin.ts'
import { hashOf, type Service, selectingServices } from '../services/select.ts'
import { type Fleet, type FleetParts, fleetOf } from './context.ts'
import type { Hand } from './hand.ts'
import { labelsOf } from './members.ts'
import { readFleet, type Seen } from './observe.ts'

/**
 * Pins every Service that selects the pods to one side, or takes the pin away. Never to a side without a ready pod: that
 * would be an outage. Throws `ActFailed`, `LeaseLost`.
 */
export async function pinFleet(
  parts: FleetParts,
  execution: Execution,
  to: 'previous' | 'target' | null,
  hand: Hand,
): Promise<void> {
  const fleet = await fleetOf(parts, execution)
  if (fleet === null) throw hand.failure('not_found', 'the release is not known any more')
  if (to === null) return unpinFleet(parts, fleet, execution, hand)
  const { client, kind, namespace, workload } = fleet
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  if (live === null) throw hand.failure('not_found', `${workload.kind} ${workload.name} is not there`)
  const seen = await readFleet(parts, fleet, execution, live)
  const hash = hashToServe(seen, to, hand)
  const { row } = seen
  if (row === null || row.executionId !== execution.id) {
    throw hand.failure('conflict', 'the workload is not held by this execution')
  }
  const services = await selectingServices(client, namespace, labelsOf(live, seen.pods))
  await pinServices(parts, fleet, row, services, hash, hand)
  // Helm may not have run yet where a fleet that was left pinned is taken over.
  if (withdrawsAt(row.state.position)) await handOverServices(fleet, withServices(row, services), new Set([hash]), hand)
}

/**
 * Puts pins back that helm's rollback has taken away: a selector is one field, and who applies it by force has all of
 * it. The previous version is the side that stays; without a ready pod of it traffic stays as it is.
 */
export async function repinPrevious(parts: FleetParts, fleet: Fleet, seen: Seen, hand: Hand): Promise<void> {
  const { row, sides, members } = seen
  const ready = members.some((member) => member.side === 'previous' && member.ready)
  if (row === null || row.originals.services.length === 0 || sides.previous === null || !ready) return
  const { services } = row.originals
  const { items } = await fleet.client.list<Service>(resources.services, { namespace: fleet.namespace })
  const bare = items.filter(
    (service) => hashOf(service) === null && services.some((noted) => isNoted(service, noted, row)),
  )
  if (bare.length > 0) await pinServices(parts, fleet, row, bare, sides.previous, hand)
}

function hashToServe({ sides, members }: Seen, to: 'previous' | 'target', hand: Hand): string {
  const hash = sides[to]
  const ready = members.filter((member) => member.side === to && member.ready)
  if (hash === null || ready.length === 0) throw hand.failure('refused', `no pod of the ${to} version is ready`)
  return hash
}

/** By the row: the workload itself may be gone. */
export async function unpinFleet(parts: FleetParts, fleet: Fleet, { id }: Execution, hand: Hand): Promise<void> {
  for (const row of await parts.gates.ofExecution(parts.db, id)) await unpinServices(parts, fleet, row, hand)
}
