import { isTakenOver } from '../commands/half-way.ts'
import { judgePath } from '../commands/judge-path.ts'
import type { Check, CheckReport, Execution } from '../core/model.ts'
import type { UpgradeDeps } from '../deps.ts'
import type { FleetKind } from '../ports.ts'
import { dependencies } from './dependencies.ts'
import { preCheck } from './finding.ts'
import { versionPath } from './version-path.ts'

/** The five pre-checks of `seeds/004`, and what rendering the target showed. Changes nothing. */
export async function preChecks(
  deps: Pick<UpgradeDeps, 'db' | 'ports'>,
  execution: Execution,
  kind: FleetKind,
): Promise<CheckReport> {
  const [survey, verdict] = await Promise.all([kind.survey(execution), verdictOn(deps, execution)])
  const { overrides } = execution
  const checks: readonly Check[] = [
    preCheck('VERSION_PATH', versionPath(verdict), overrides),
    preCheck('RESOURCES', survey.resources, overrides),
    preCheck('BACKUP', survey.backup, overrides),
    preCheck('HEALTH_ENDPOINTS', survey.health, overrides),
    preCheck('DEPENDENCIES', dependencies(verdict), overrides),
  ]
  return { checks, warnings: survey.warnings, change: survey.change, refusal: survey.refusal }
}

async function verdictOn({ db, ports }: Pick<UpgradeDeps, 'db' | 'ports'>, execution: Execution) {
  const { tenantId, componentId, from, to, installedComponents } = execution
  const ids = execution.target.kind === 'rehearsal' ? [] : execution.claims.map(({ releaseId }) => releaseId)
  const releases = ids.length === 0 ? [] : await ports.releases.byIds(db, ids)
  const request = { tenantId, componentId, fromVersionId: from.id, toVersionId: to.id, installedComponents }
  return judgePath(db, ports, request, await isTakenOver(db, releases, execution))
}
