import type { Clock, Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { Lease } from '../../infra/engine/index.ts'
import type { Execution, ExecutionAct, FleetSight, RehearsalFaults, ReleaseSight } from '../core/model.ts'
import { applyAct } from '../core/rehearsal/apply.ts'
import { observeWorld } from '../core/rehearsal/observe.ts'
import { createWorld, type World } from '../core/rehearsal/world.ts'
import { worldReader, worldWriter } from '../store/rehearsals.ts'
import type { FleetDriver, FleetLook } from './driver.ts'

/** A simulated fleet, releases and all. It is plain JSON: what happens by itself is made up for at each look. */
export type RehearsalFleet = {
  readonly driver: FleetDriver
  look(
    execution: Execution,
    look: FleetLook,
  ): Promise<{ readonly releases: readonly ReleaseSight[]; readonly fleet: FleetSight }>
  /** Does it to the fleet of the execution whose lease it is. False: that execution is no rehearsal. */
  act(act: ExecutionAct, lease: Lease): Promise<boolean>
}

/** The fleets of rehearsals, kept in the database. */
export function simulatedFleet({ db, clock }: { readonly db: Db; readonly clock: Clock }): RehearsalFleet {
  const readWorld = worldReader(db)
  const changeWorld = worldWriter(db)
  const look = async ({ id }: Execution, asked: FleetLook) => {
    const world = await readWorld(id)
    if (world === undefined) throw new Error(`execution ${id} has no simulated fleet`)
    return observeWorld(world as unknown as World, asked, clock.now())
  }
  // Only who holds the lease changes the world: what is read is what is changed.
  const act = async (what: ExecutionAct, lease: Lease): Promise<boolean> => {
    const world = await readWorld(lease.subject.id)
    if (world === undefined) return false
    await changeWorld({ lease, world: applyAct(world as unknown as World, what, clock.now()) })
    return true
  }
  const done = async (what: ExecutionAct, lease: Lease): Promise<void> => void (await act(what, lease))
  return {
    look,
    act,
    driver: {
      observe: async (execution, asked) => (await look(execution, asked)).fleet,
      gate: (_, position, take, { lease }) => done({ kind: 'gate', position, take }, lease),
      pin: (_, to, { lease }) => done({ kind: 'pin', to }, lease),
      removePods: (_, pods, { lease }) => done({ kind: 'removePods', pods }, lease),
    },
  }
}

/** What a simulated fleet is made with. */
export type NewRehearsal = {
  readonly size: number
  readonly faults: RehearsalFaults
  readonly releaseIds: readonly Uuid[]
}

/** A new simulated fleet. */
export function newRehearsal(wanted: NewRehearsal, now: Instant): World {
  return createWorld({ ...wanted, kind: 'surging' }, now)
}

/** The instances of a simulated fleet. */
export function fleetOfWorld(world: World, now: Instant): Extract<FleetSight, { kind: 'present' }> {
  const { fleet } = observeWorld(world, { wantsProbe: () => false, aboutToGo: [] }, now)
  if (fleet.kind === 'gone') throw new Error('a simulated fleet is always there')
  return fleet
}
