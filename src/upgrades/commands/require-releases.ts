import { type ErrorCode, Problem } from '../../core/problems.ts'
import type { Version } from '../../registry/index.ts'
import type { FleetRelease } from '../../releases/index.ts'

/** The version that an upgrade begins with. */
type From = Pick<Version, 'version' | 'helmChartVersion'>

/**
 * Refuses releases that cannot be moved now (SPEC section 5, "What is upgraded"): each must be DEPLOYED or FAILED with
 * nothing running, and run the version that the upgrade begins with, or the chart version `alsoOn`. Throws `Problem` 409 naming
 * the release.
 */
export function requireReleases(releases: readonly FleetRelease[], from: From, alsoOn: string | null = null): void {
  for (const release of releases) {
    requireIdle(release)
    if (alsoOn === null || release.chartVersion !== alsoOn) requireVersion(release, from)
  }
}

function requireIdle(release: FleetRelease): void {
  const [code, why] = busy(release) ?? []
  if (code === undefined) return
  const { id, name, namespace, status, currentOperationId, executionId } = release
  throw new Problem(code, `the release ${namespace}/${name} ${why}`, {
    extra: {
      releaseId: id,
      releaseStatus: status,
      ...(currentOperationId === null ? {} : { operationId: currentOperationId }),
      ...(executionId === null ? {} : { executionId }),
    },
  })
}

function busy(release: FleetRelease): readonly [ErrorCode, string] | null {
  const { status, executionId, currentOperationId, pendingBy, failedKind } = release
  if (status === 'UNINSTALLED') return ['wrong_status', 'is UNINSTALLED']
  if (executionId !== null) return ['claimed_by_execution', `is held by the upgrade execution ${executionId}`]
  if (currentOperationId !== null)
    return ['operation_in_progress', `is ${status}: operation ${currentOperationId} runs`]
  if (pendingBy !== null) return ['pending_elsewhere', `is ${status}: another hand is working on it`]
  if (status === 'FAILED' && failedKind === 'uninstall') return ['uninstall_unfinished', 'is half uninstalled']
  return status === 'DEPLOYED' || status === 'FAILED' ? null : ['wrong_status', `is ${status}`]
}

/** On a frozen fleet the upgrade may begin with any version that runs. */
function requireVersion(release: FleetRelease, from: From): void {
  const { frozen, namespace, name, chart, chartVersion } = release
  const running = runningIn(frozen)
  if (frozen === null ? chartVersion === from.helmChartVersion : running.includes(from.version)) return
  const there = frozen === null ? `${chart} ${chartVersion}` : running.join(' and ')
  const detail = `the release ${namespace}/${name} runs ${there}, not ${from.version} (chart version ${from.helmChartVersion})`
  throw new Problem('version_not_deployed', detail, {
    errors: [{ pointer: '/fromVersionId', message: 'is not what is deployed' }],
    extra: { releaseId: release.id, deployedChartVersion: chartVersion, fromVersion: from.version },
  })
}

/**
 * A frozen release also names the version that helm applied last, where no pod runs it yet. Where nothing runs at all, as after
 * somebody has made the workload anew, it may be any of them: nobody is moved, and one must be able to go on.
 */
function runningIn(frozen: FleetRelease['frozen']): readonly string[] {
  const all = Object.entries(frozen?.versions ?? {})
  const running = all.filter(([, count]) => count > 0)
  return (running.length === 0 ? all : running).map(([version]) => version)
}

/** Whether an execution before has left any of these releases frozen. */
export const isFrozen = (releases: readonly FleetRelease[]): boolean => releases.some(({ frozen }) => frozen !== null)

/** Whether all of these releases are frozen with this version among those that run: going there is no downgrade. */
export function runsFrozen(releases: readonly FleetRelease[], version: string): boolean {
  return releases.length > 0 && releases.every(({ frozen }) => runningIn(frozen).includes(version))
}
