import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../core/instant.ts'
import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { EndWaiter } from '../infra/engine/index.ts'
import type { RegistryPort } from '../registry/index.ts'
import {
  deployedManifest,
  type Executions,
  executionOrders,
  fleetReleases,
  maskOfRelease,
  mirroredManifest,
  type ReleaseDeps,
  type ReleasePorts,
  releasesOfChart,
  renderingsOf,
  whyUnreadable,
} from '../releases/index.ts'
import type { TenantPort } from '../tenants/index.ts'
import {
  cancelNow,
  countActive,
  executionMachine,
  type FleetParts,
  type Fleets,
  findWorkload,
  foresee,
  frozenWorkloads,
  GateStore,
  isApplied,
  newestBackup,
  probeRelease,
  rehearsalFleet,
  releaseFleet,
  type SurveyParts,
  type UpgradeDeps,
  type UpgradePorts,
  waitsOfClaims,
  workingReleases,
  workloadDriver,
  workloadFleet,
} from '../upgrades/index.ts'
import type { ClusterConnections } from './clusters.ts'

export type UpgradeParts = {
  readonly releases: ReleaseDeps
  readonly registry: RegistryPort
  readonly tenants: TenantPort
  readonly clusters: ClusterConnections
}

/** Joins upgrade executions: the registry says what may be, releases and clusters are what is moved. */
export function openUpgrades(parts: UpgradeParts): UpgradeDeps {
  const { releases, registry, tenants } = parts
  const { db, clock, newId } = releases
  const workloads = workloadsOf(parts)
  const ports: UpgradePorts = {
    registry,
    releases: {
      ofChart: releasesOfChart,
      byIds: fleetReleases,
      mask: (id) => maskOfRelease(releases, id),
      orders: executionOrders(releases),
    },
    charts: releases.ports.charts,
    tenants,
    fleets: fleetsOf(parts, workloads),
    findWorkload: (release, wanted) => reaching(() => findWorkload(workloads, release, wanted)),
    foresee: async (release, workload, chartVersion) => {
      const foreseen = await reaching(() => foresee(workloads, release, workload, chartVersion))
      if (foreseen === null) return null
      const { room, notSwitched } = foreseen
      return { ...foreseen, room: () => reaching(room), notSwitched: () => reaching(notSwitched) }
    },
  }
  return { db, clock, newId, ports, machine: executionMachine({ db, clock, newId, ports }) }
}

/** A caller is told that a cluster does not answer; a look takes it as unreadable. */
async function reaching<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw error instanceof Problem ? error : new Problem('cluster_unavailable', whyUnreadable(error))
  }
}

type Workloads = Parameters<typeof workloadFleet>[0]

function workloadsOf(parts: UpgradeParts): Workloads {
  const { releases, clusters } = parts
  return {
    ...surveyParts(parts),
    driver: workloadDriver(gateParts(releases, clusters)),
    deployed: ({ id }) => deployedManifest(releases, id),
    frozenOthers: ({ id }) => new GateStore().othersOf(releases.db, id),
  }
}

function fleetsOf({ releases, clusters }: UpgradeParts, workloads: Workloads): Fleets {
  const { db, clock, vault } = releases
  return {
    rehearsal: rehearsalFleet({ db, clock }),
    workload: workloadFleet(workloads),
    releases: releaseFleet({
      ...workloads,
      clusterOf: (id) => clusters.of(id).cluster,
      manifest: (id) => mirroredManifest(db, vault, id),
      isApplied: ({ clusterId, namespace }, manifest) => isApplied(clusters.of(clusterId).client, namespace, manifest),
      workedOn: (execution) => workingReleases(db, executionOrders(releases), execution),
      probe: async (execution, release) => {
        const manifest = await mirroredManifest(db, vault, release.id)
        const { client } = clusters.of(release.clusterId)
        return manifest === null ? 'bad' : probeRelease(client, execution, release, manifest)
      },
    }),
  }
}

function surveyParts({ releases, registry, clusters }: UpgradeParts): SurveyParts {
  const { db, clock } = releases
  return {
    clock,
    clientOf: (id) => clusters.of(id).client,
    discoveryOf: (id) => clusters.of(id).discovery,
    releasesOf: ({ claims }) =>
      fleetReleases(
        db,
        claims.map(({ releaseId }) => releaseId),
      ),
    renderings: (id, chartVersion) => renderingsOf(releases, id, chartVersion),
    dockerImage: async ({ componentId, to }) => (await registry.version(db, componentId, to.id))?.dockerImage ?? null,
    recorded: (tenantId, namespace) => newestBackup(db, tenantId, namespace),
  }
}

/** What holds workloads in the clusters: executions do, and releases take over what was left frozen. */
function gateParts(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  clusters: ClusterConnections,
): FleetParts {
  return {
    db,
    clock,
    gates: new GateStore(),
    placeOf: async (id: Uuid) => (await fleetReleases(db, [id]))[0] ?? null,
    clientOf: (id) => clusters.of(id).client,
  }
}

/** What releases need of executions, which are joined to releases: each needs the other. */
export function laterUpgrades(
  parts: { readonly db: Db; readonly clock: Clock },
  clusters: ClusterConnections,
): Pick<ReleasePorts, 'executions' | 'frozenWorkloads'> & {
  readonly join: (upgrades: UpgradeDeps, ends: EndWaiter) => void
} {
  let joined: Pick<Executions, 'cancelNow'> | null = null
  const executions: Executions = {
    cancelNow: async (id, by, stopping) => {
      if (joined === null) throw new Problem('unavailable', 'the server is starting')
      return joined.cancelNow(id, by, stopping)
    },
    waits: (ids) => waitsOfClaims(parts.db, ids),
  }
  return {
    executions,
    frozenWorkloads: frozenWorkloads(gateParts(parts, clusters)),
    join: (upgrades, ends) => {
      joined = { cancelNow: (id, by, signal) => cancelNow({ ...upgrades, ends }, id, { by, signal }) }
    },
  }
}

/** How many executions are under way, by status; asked when the metrics are. */
export function measureExecutions(registry: Registry, db: Db): void {
  const gauge = new Gauge({
    name: 'flotilla_upgrade_executions',
    help: 'Upgrade executions that are under way, rehearsals too',
    labelNames: ['status'] as const,
    registers: [registry],
    async collect() {
      gauge.reset()
      for (const [status, n] of Object.entries(await countActive(db))) gauge.set({ status }, n)
    },
  })
}
