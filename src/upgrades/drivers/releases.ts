import type { Uuid } from '../../core/subject.ts'
import { mapParallel } from '../../infra/kubernetes/index.ts'
import type { FleetRelease, ReleaseCluster } from '../../releases/index.ts'
import type { Execution, FleetSight, Member, Side } from '../core/model.ts'
import type { FleetDriver, FleetLook } from './driver.ts'
import { answered } from './fleet/probes.ts'

/** What several releases are looked at with. */
export type ReleaseDriverParts = {
  readonly releasesOf: (execution: Execution) => Promise<readonly FleetRelease[]>
  readonly clusterOf: (clusterId: Uuid) => ReleaseCluster
  /** The manifest of the newest revision that is mirrored; null where there is none. */
  readonly manifest: (releaseId: Uuid) => Promise<string | null>
  /** Whether the workloads of a release are as the manifest of its newest revision has them, which has failed. */
  readonly isApplied: (release: FleetRelease, manifest: string) => Promise<boolean>
  /** The releases on which helm works for the execution: what is ready there may be what is about to go. */
  readonly workedOn: (execution: Execution) => Promise<ReadonlySet<Uuid>>
  /**
   * Whether the ready pods of the release all answer at the component's health endpoint. Null: they could not be asked, which
   * is no matter of the release.
   */
  readonly probe: (execution: Execution, release: FleetRelease) => Promise<'good' | 'bad' | null>
}

/** How many releases are looked at side by side. */
const atOnce = 8

/**
 * A fleet of several releases (SPEC section 5): nothing is gated, each release is upgraded when its turn comes. Its side
 * is the chart version of its newest revision.
 */
export function releaseDriver(parts: ReleaseDriverParts): FleetDriver {
  return {
    observe: (execution, look) => observe(parts, execution, look),
    // Releases hold themselves: none moves before it is given its upgrade or its rollback.
    gate: async () => {},
    pin: async () => {},
    removePods: async () => {},
  }
}

async function observe(parts: ReleaseDriverParts, execution: Execution, look: FleetLook): Promise<FleetSight> {
  const [all, workedOn] = await Promise.all([parts.releasesOf(execution), parts.workedOn(execution)])
  const releases = all.filter(({ status }) => status !== 'UNINSTALLED')
  if (releases.length === 0) return { kind: 'gone', why: 'none of the releases is there any more' }
  const members = await mapParallel(releases, atOnce, (release) => memberOf(parts, execution, release, workedOn))
  return {
    kind: 'present',
    wanted: releases.length,
    places: null,
    members,
    gate: { kind: 'none' },
    template: null,
    pin: null,
    probes: await probesOf(parts, execution, releases, look),
    refusals: {},
    others: { settled: true, uniform: true, blockers: [] },
    whyNoPods: null,
  }
}

async function probesOf(
  parts: ReleaseDriverParts,
  execution: Execution,
  releases: readonly FleetRelease[],
  { wantsProbe }: FleetLook,
): Promise<Readonly<Record<string, 'good' | 'bad'>>> {
  if (execution.healthEndpoint === null) return {}
  const asked = releases.filter((release) => wantsProbe(podOf(release)))
  const answers = await mapParallel(asked, atOnce, async (release) => {
    return [release.id, await parts.probe(execution, release)] as const
  })
  return answered(answers)
}

const podOf = ({ id, name }: FleetRelease) => ({ name, uid: id })

async function memberOf(
  parts: ReleaseDriverParts,
  execution: Execution,
  release: FleetRelease,
  workedOn: ReadonlySet<Uuid>,
): Promise<Member> {
  const { id, clusterId, namespace } = release
  const manifest = await parts.manifest(id)
  const side = sideOf(execution, release)
  const version = await versionOf(parts, release, manifest)
  const isTold = version === (side === 'target' ? execution.to : execution.from).chartVersion && side !== 'other'
  const told = isTold ? {} : { version: versionNamed(execution, version) }
  const member = { pod: podOf(release), key: id, side, ...told, terminating: false }
  if (workedOn.has(id)) return { ...member, ready: false, problem: 'helm is working on it' }
  if (manifest === null) return { ...member, ready: false, problem: 'it has no revision' }
  const found = await parts.clusterOf(clusterId).readiness(manifest, namespace, { jobs: false })
  return { ...member, ready: found.settled, problem: found.settled ? null : (found.blockers[0] ?? 'it is not ready') }
}

/** The chart version that runs. Where the newest revision has failed and helm has not applied it, what was deployed before still does. */
async function versionOf(parts: ReleaseDriverParts, release: FleetRelease, manifest: string | null): Promise<string> {
  const { newestFailed, newestChartVersion, chartVersion } = release
  if (!newestFailed || newestChartVersion === chartVersion || manifest === null) return newestChartVersion
  return (await parts.isApplied(release, manifest)) ? newestChartVersion : chartVersion
}

/** The version of the component that a chart version stands for, where the execution knows it. */
function versionNamed({ from, to }: Execution, chartVersion: string): string {
  return [from, to].find((one) => one.chartVersion === chartVersion)?.version ?? chartVersion
}

/** One that another upgrade to the target version has left FAILED is still to be upgraded, when its turn comes. */
function sideOf(execution: Execution, release: FleetRelease): Side {
  const { from, to } = execution
  const { newestChartVersion } = release
  if (newestChartVersion === to.chartVersion) return isFoundFailed(execution, release) ? 'previous' : 'target'
  return newestChartVersion === from.chartVersion ? 'previous' : 'other'
}

/** As the execution found it: its newest revision has failed, and is none of the execution's. */
function isFoundFailed({ claims }: Execution, { id, newestFailed, revision }: FleetRelease): boolean {
  return newestFailed && claims.some((claim) => claim.releaseId === id && claim.revision === revision)
}
