import type { Uuid } from '../../core/subject.ts'
import type { FleetRelease } from '../../releases/index.ts'
import { newExecution as create } from '../core/create.ts'
import type {
  CheckOverride,
  ClaimedRelease,
  Execution,
  FleetSight,
  Member,
  UpgradeSpec,
  VersionRef,
  Warning,
} from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import type { CommandCall } from './context.ts'
import type { Ends } from './judge-path.ts'
import { isFrozen } from './require-releases.ts'
import type { Resolved } from './resolve-target.ts'

/** What initiate has found and been asked for. */
export type Parts = {
  readonly tenantId: Uuid
  readonly ends: Ends
  readonly resolved: Resolved
  readonly spec: UpgradeSpec
  readonly overrides: readonly CheckOverride[]
  readonly installedComponents: Readonly<Record<string, string>> | null
  readonly warnings: readonly Warning[]
  readonly label: string | null
}
type Fleet = Extract<FleetSight, { kind: 'present' }>

/** A new execution, PENDING, over the fleet as it is: it claims nothing yet. */
export function newExecution(
  deps: UpgradeDeps,
  { principal, reason }: Pick<CommandCall, 'principal' | 'reason'>,
  { ends, resolved, ...given }: Parts,
  { wanted, members, places }: Pick<Fleet, 'wanted' | 'members' | 'places'>,
): Execution {
  const wantedExecution = {
    ...given,
    id: deps.newId(),
    componentId: ends.component.id,
    from: versionRef(ends.from),
    to: versionRef(ends.to),
    target: resolved.target,
    capabilities: resolved.capabilities,
    healthEndpoint: ends.component.healthEndpoint,
    members: inOrder(members),
    places,
    wanted,
    claims: claimsOf(deps, resolved),
    takesOver: isFrozen(resolved.releases),
    initiatedBy: principal.name,
    principalId: principal.id,
    reason,
  }
  return create(wantedExecution, deps.clock.now())
}

/** A version as an execution keeps it. */
export function versionRef(version: Ends['from']): VersionRef {
  return { id: version.id, version: version.version, chartVersion: version.helmChartVersion }
}

/** Ordinals rise: `web-2` comes before `web-10`. */
function inOrder(members: readonly Member[]): readonly Member[] {
  const nameOf = ({ key, pod }: Member) => key ?? pod.name
  return [...members].sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true }))
}

/** A rehearsal claims nothing; its operations are simulated, on a release that is simulated too. */
function claimsOf({ newId }: UpgradeDeps, { target, releases }: Resolved): readonly ClaimedRelease[] {
  const ids = () => ({ deployId: newId(), undoId: newId() })
  if (target.kind === 'rehearsal') return [{ releaseId: newId(), ...ids(), revision: 1, secretUid: null }]
  return [...releases].sort(byId).map((release) => ({ ...ids(), ...seenOf(release) }))
}

const byId = (a: FleetRelease, b: FleetRelease): number => (a.id < b.id ? -1 : 1)

/** At which revision of a release an execution begins. */
export function seenOf({ id, revision, secretUid }: FleetRelease) {
  return { releaseId: id, revision, secretUid }
}
