export { batchMachine } from './batch/machine.ts'
export { requireVisible as requireVisibleRelease } from './commands/context.ts'
export { executionOrders } from './commands/execution-orders.ts'
export { releaseReads } from './commands/release-reads.ts'
export { deployedManifest, type Renderings, renderingsOf } from './commands/renderings.ts'
export type { ClaimedStatus, Conclusion, Frozen, FrozenTraffic } from './core/model.ts'
export type { HeldTemplates } from './core/without-effect.ts'
export type { ReleaseDeps } from './deps.ts'
export type {
  ClaimedSight,
  ClaimRef,
  ExecutionOrder,
  ExecutionOrders,
  OrderedChart,
  OrderSight,
} from './execution-orders.ts'
export { releaseMachine } from './machine.ts'
export { maskOfRelease, shownFailure } from './machine-shown.ts'
export { whyUnreadable } from './observe.ts'
export type {
  ChartGrant,
  Charts,
  Clusters,
  Executions,
  FrozenRelease,
  FrozenWorkloads,
  InstallPlace,
  ReleaseCluster,
  ReleasePorts,
  ResolvedChart,
  Tenants,
} from './ports.ts'
export { releaseRoutes } from './routes/index.ts'
export { condenseCounts } from './store/counts.ts'
export { type FleetRelease, fleetReleases, releasesOfChart } from './store/fleets.ts'
export { operationOutcomes } from './store/operations.ts'
export { deployedCharts, newestManifest as mirroredManifest } from './store/queries.ts'
export { sealedColumns } from './store/sealed.ts'
export { recordHealth } from './store/sightings.ts'
export { ReleaseStates } from './store/state.ts'
export { ClusterFollower } from './watch/follow-cluster.ts'
export { followHealth } from './watch/follow-health.ts'
export { clusterMachine } from './watch/machine.ts'
