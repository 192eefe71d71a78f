import { mapParallel } from '../../infra/kubernetes/index.ts'
import type { FleetRelease } from '../../releases/index.ts'
import { healthEndpoints } from '../checks/health-endpoints.ts'
import type { Execution } from '../core/model.ts'
import { imagesIn } from '../drivers/change.ts'
import type { FleetDriver } from '../drivers/driver.ts'
import { type ReleaseDriverParts, releaseDriver } from '../drivers/releases.ts'
import { objectsOf, renderedObjects } from '../drivers/rendered.ts'
import { renderedOrRefused } from '../drivers/renderings.ts'
import type { Finding, FleetKind, Survey } from '../ports.ts'
import { backupOf, refusedSurvey, type SurveyParts } from './survey.ts'

/** What the fleet of several releases is joined to. */
export type ReleaseFleetParts = SurveyParts & ReleaseDriverParts

/** How many releases are looked at side by side. */
const atOnce = 8

/** Several releases, each of which is an instance. */
export function releaseFleet(parts: ReleaseFleetParts): FleetKind {
  const driver = releaseDriver(parts)
  return { driver, survey: (execution) => survey({ ...parts, driver }, execution) }
}

async function survey(parts: SurveyParts & { readonly driver: FleetDriver }, execution: Execution): Promise<Survey> {
  const releases = await parts.releasesOf(execution)
  const [image, fleet] = await Promise.all([
    parts.dockerImage(execution),
    parts.driver.observe(execution, { wantsProbe: () => true, aboutToGo: [] }),
  ])
  const surveyed = await mapParallel(releases, atOnce, (release) => surveyOne(parts, execution, release, image))
  const refused = surveyed.find((one): one is Survey => 'refusal' in one)
  if (refused !== undefined) return refused
  return {
    resources: { status: 'PASSED', message: 'Each release is upgraded within its own limits', evidence: null },
    backup: worst(surveyed.flatMap((one) => ('refusal' in one ? [] : one.backup))),
    health: healthEndpoints(execution, fleet),
    warnings: [],
    change: { podsChange: true, others: [], surgeRoom: 0 },
    refusal: null,
  }
}

async function surveyOne(
  parts: SurveyParts,
  { to }: Execution,
  release: FleetRelease,
  image: string | null,
): Promise<Survey | { readonly backup: Finding }> {
  const rendered = await renderedOrRefused(() => parts.renderings(release.id, to.chartVersion))
  if ('refusal' in rendered) return refusedSurvey(rendered)
  const images = imagesIn(renderedObjects(rendered.wanted))
  if (image !== null && !images.includes(image)) {
    const detail = `${to.version} is said to run ${image}, which the pods of ${release.name} would not run: an override pins another one`
    return refusedSurvey({ refusal: { code: 'refused', detail } })
  }
  return { backup: await backupOf(parts, release, objectsOf(rendered.deployed)) }
}

/** What stands for all of them: the first that failed, or that warns. */
function worst(findings: readonly Finding[]): Finding {
  const [first] = ['FAILED', 'WARNING', 'PASSED'].flatMap((status) => findings.filter((each) => each.status === status))
  return first ?? { status: 'PASSED', message: 'There is nothing to back up', evidence: null }
}
