import type { Clock } from '../core/instant.ts'
import type { Json } from '../core/json.ts'
import type { ErrorCode } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { RegistryPort } from '../registry/index.ts'
import type { ExecutionOrders, FleetRelease, ResolvedChart } from '../releases/index.ts'
import type { TenantPort } from '../tenants/index.ts'
import type { Capabilities, ChangePlan, Execution, Warning, WorkloadKind, WorkloadRef } from './core/model.ts'
import type { FleetDriver } from './drivers/driver.ts'
import type { Fleets } from './drivers/fleets.ts'
import type { Room } from './drivers/room.ts'

/** What upgrades need of releases. */
export interface Releases {
  /** The releases of a tenant that run a chart, oldest first: those that were deployed once and are not UNINSTALLED. */
  ofChart(db: Db, tenantId: Uuid, chart: string): Promise<readonly FleetRelease[]>
  /** Releases by their ids, in no order; unknown ones are left out. */
  byIds(db: Db, ids: readonly Uuid[]): Promise<readonly FleetRelease[]>
  /** Claims, orders and looks of executions. */
  readonly orders: ExecutionOrders
}

/** A workload as a request names it: the kind may be left out. */
export type WorkloadRequest = { readonly kind?: WorkloadKind; readonly name: string }

/** A workload of a release whose pods can be instances, as it is now. */
export type FoundWorkload = {
  readonly workload: WorkloadRef
  readonly capabilities: Capabilities
  /** The field that keeps it from being held instance by instance; null where it can be. */
  readonly heldBy: string | null
}

/** What rendering a version tells of the way there. */
export type Foreseen = {
  /** Why the workload, or one beside it, cannot be held; null where nothing is in the way. */
  readonly notHeld: string | null
  /** How much room there is now beside the pods that run. */
  readonly room: () => Promise<Room>
}

/** What one pre-check found: a fact for people, and what it rests on. */
export type Finding = {
  readonly status: 'PASSED' | 'WARNING' | 'FAILED'
  readonly message: string
  readonly evidence: Json
}

/** What VALIDATING learns of a target by looking and rendering, before anything is touched. */
export type Survey = {
  readonly resources: Finding
  readonly backup: Finding
  readonly health: Finding
  readonly warnings: readonly Warning[]
  /** What would move; null where the refusal came first. */
  readonly change: ChangePlan | null
  readonly refusal: { readonly code: ErrorCode; readonly detail: string } | null
}

/** One kind of fleet: how it is moved, and what can be known of it beforehand. */
export type FleetKind = {
  readonly driver: FleetDriver
  /** Throws when the cluster does not answer. Changes nothing. */
  survey(execution: Execution): Promise<Survey>
}

/** Everything that the feature is joined to. */
export type UpgradePorts = {
  readonly registry: Pick<RegistryPort, 'component' | 'version' | 'validatePath'>
  readonly releases: Releases
  readonly charts: { resolve(name: string, version: string): Promise<ResolvedChart> }
  readonly tenants: Pick<TenantPort, 'exists' | 'read'>
  readonly fleets: Fleets
  /** The workload of a release that is meant. Throws `Problem` 422 where there is none, or where it is not clear. */
  readonly findWorkload: (release: FleetRelease, wanted: WorkloadRequest | null) => Promise<FoundWorkload>
  /** What can be told of a workload on the way to a chart version before anything begins; null where that does not render. */
  readonly foresee: (release: FleetRelease, workload: WorkloadRef, chartVersion: string) => Promise<Foreseen | null>
}

/** What the machine of executions is made of. */
export type MachineDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly ports: UpgradePorts
}
