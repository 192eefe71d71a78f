import type { Target } from '../core/model.ts'
import type { FleetKind } from '../ports.ts'
import type { RehearsalFleet } from './rehearsal.ts'

/** The fleets of every kind of target. A simulated one has releases of its own too, so all acts are its. */
export type Fleets = { readonly [K in Target['kind']]: K extends 'rehearsal' ? RehearsalFleet : FleetKind }
