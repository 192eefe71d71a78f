import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Component } from '../../registry/index.ts'
import type { FleetRelease } from '../../releases/index.ts'
import type { Capabilities, RehearsalFaults, Target, WorkloadKind } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import type { WorkloadRequest } from '../drivers/discover.ts'

/** A target as a request names it. */
export type TargetRequest =
  | {
      readonly kind: 'workload'
      readonly releaseId: Uuid
      readonly workload?: { readonly kind?: WorkloadKind | undefined; readonly name: string } | undefined
    }
  | { readonly kind: 'releases'; readonly releaseIds: readonly Uuid[] }
  | { readonly kind: 'rehearsal'; readonly faults?: RehearsalFaults | undefined }

type WorkloadTarget = Extract<TargetRequest, { kind: 'workload' }>

/** What was found: the target as it is kept, its releases, and what can be done with its instances. */
export type Resolved = {
  readonly target: Target
  readonly releases: readonly FleetRelease[]
  readonly capabilities: Capabilities
  /** Why the instances cannot be held one by one, in words; null where they can be. */
  readonly notHeld: string | null
  /** Why a Deployment's new pods cannot run beside its old ones; null where they can. */
  readonly notBeside: string | null
}

type Wanted = { readonly tenantId: Uuid; readonly component: Component; readonly target: TargetRequest | undefined }

/** A simulated fleet can do everything that a Deployment can. */
export const rehearsalCan: Capabilities = { hold: 'gate', surge: true, ordered: false, pin: true }
/** Each is upgraded by itself. */
export const releasesCan: Capabilities = { hold: 'each', surge: false, ordered: false, pin: false }
const unhindered = { notHeld: null, notBeside: null } as const

/**
 * Finds what is upgraded (SPEC section 5). Throws `Problem`: 404 for a release that the tenant does not have, 422 where
 * there is nothing to upgrade, or where it is not clear what is meant.
 */
export async function resolveTarget(deps: UpgradeDeps, wanted: Wanted): Promise<Resolved> {
  const { target } = wanted
  if (target === undefined) return byItself(deps, wanted)
  if (target.kind === 'rehearsal') {
    return {
      target: { kind: 'rehearsal', faults: target.faults ?? {} },
      releases: [],
      capabilities: rehearsalCan,
      ...unhindered,
    }
  }
  return named(deps, wanted, target)
}

/** The component's chart and the tenant name the target: one release is a workload, several are instances themselves. */
async function byItself(deps: UpgradeDeps, { tenantId, component }: Wanted): Promise<Resolved> {
  const releases = await deps.ports.releases.ofChart(deps.db, tenantId, component.chartName)
  const [first, ...others] = releases
  if (first === undefined) throw refused('/target', `the tenant runs no release of ${component.chartName}`)
  return others.length === 0 ? workloadOf(deps, first, null) : allOf(releases)
}

async function named(
  deps: UpgradeDeps,
  wanted: Wanted,
  target: Exclude<TargetRequest, { kind: 'rehearsal' }>,
): Promise<Resolved> {
  const releases = await releasesOf(deps, wanted, target.kind === 'workload' ? [target.releaseId] : target.releaseIds)
  const [first] = releases
  if (target.kind === 'workload' && first !== undefined) return workloadOf(deps, first, asked(target.workload))
  return allOf(releases)
}

/** The kind may be left out. */
function asked(workload: WorkloadTarget['workload']): WorkloadRequest | null {
  if (workload === undefined) return null
  const { kind, name } = workload
  return kind === undefined ? { name } : { kind, name }
}

async function releasesOf(deps: UpgradeDeps, { tenantId, component }: Wanted, ids: readonly Uuid[]) {
  const found = new Map((await deps.ports.releases.byIds(deps.db, ids)).map((release) => [release.id, release]))
  return ids.map((id) => {
    const release = found.get(id)
    if (release?.tenantId !== tenantId) throw new Problem('not_found', `the tenant has no release ${id}`)
    if (release.chart === component.chartName) return release
    throw refused('/target', `the release ${release.name} runs ${release.chart}, not ${component.chartName}`)
  })
}

function allOf(releases: readonly FleetRelease[]): Resolved {
  const target = { kind: 'releases', releaseIds: releases.map(({ id }) => id).sort() } as const
  return { target, releases, capabilities: releasesCan, ...unhindered }
}

async function workloadOf(
  { ports }: UpgradeDeps,
  release: FleetRelease,
  wanted: WorkloadRequest | null,
): Promise<Resolved> {
  const { workload, ...found } = await ports.findWorkload(release, wanted)
  const { capabilities, notHeld, notBeside } = found
  const target = { kind: 'workload', releaseId: release.id, workload } as const
  return { target, releases: [release], capabilities, notHeld, notBeside }
}

function refused(pointer: string, message: string): Problem {
  return new Problem('refused', message, { errors: [{ pointer, message }] })
}
