import type { Json } from '../core/json.ts'
import type { ErrorCode } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Mask } from '../infra/secrets/mask.ts'
import type { RegistryPort } from '../registry/index.ts'
import type { ExecutionOrders, FleetRelease, ResolvedChart } from '../releases/index.ts'
import type { TenantPort } from '../tenants/index.ts'
import type { ChangePlan, Execution, Target, Warning, WorkloadRef } from './core/model.ts'
import type { WorkloadRequest } from './drivers/discover.ts'
import type { FleetDriver } from './drivers/driver.ts'
import type { RehearsalFleet } from './drivers/rehearsal.ts'
import type { Foreseen, FoundWorkload } from './drivers/workloads.ts'

/** What upgrades need of releases. */
export interface Releases {
  /** The releases of a tenant that run a chart, oldest first: those that were deployed once and are not UNINSTALLED. */
  ofChart(db: Db, tenantId: Uuid, chart: string): Promise<readonly FleetRelease[]>
  /** Releases by their ids, in no order; unknown ones are left out. */
  byIds(db: Db, ids: readonly Uuid[]): Promise<readonly FleetRelease[]>
  /** Hides what the charts of a release mark in its values; of one that is not there, nothing. */
  mask(id: Uuid): Promise<Mask>
  /** Claims, orders and looks of executions. */
  readonly orders: ExecutionOrders
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

/** The fleets of every kind of target. A simulated one has releases of its own too, so all acts are its. */
export type Fleets = {
  readonly [K in Target['kind']]: K extends 'rehearsal' ? RehearsalFleet & FleetKind : FleetKind
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
