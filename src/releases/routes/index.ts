import type { FeatureRoutes } from '../../infra/http/route.ts'
import type { BatchMachine } from '../deps.ts'
import * as change from './change.ts'
import type { EventDeps } from './events.ts'
import * as events from './events.ts'
import * as fleet from './fleet.ts'
import { installRelease } from './install.ts'
import * as operations from './operations.ts'
import * as read from './read.ts'
import { recoverRelease, unfreezeRelease } from './recover.ts'
import { withShownProblems } from './shown-problems.ts'

/** Every route of releases and operations, in the order in which the documentation shows them. */
export function releaseRoutes(deps: EventDeps, batches: BatchMachine): FeatureRoutes {
  const routes = [
    installRelease(deps),
    read.listAll(deps),
    fleet.summaryRoute(deps),
    read.listOfTenant(deps),
    read.readOne(deps),
    read.history(deps),
    read.diff(deps),
    read.revision(deps),
    change.upgradeRelease(deps),
    change.rollbackRelease(deps),
    change.rollbackToLast(deps),
    change.uninstallRelease(deps),
    recoverRelease(deps),
    unfreezeRelease(deps),
    events.ofRelease(deps),
    fleet.versions(deps),
    fleet.needsUpgrade(deps),
    fleet.batch(deps),
    operations.list(deps),
    operations.readOne(deps),
    operations.cancel(deps, batches),
    events.ofOperation(deps),
  ]
  return routes.map((each) => withShownProblems(deps, each))
}
