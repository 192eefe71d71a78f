import type { FeatureRoutes } from '../../infra/http/route.ts'
import * as backups from './backups.ts'
import * as commands from './commands.ts'
import type { UpgradeRouteDeps } from './deps.ts'
import { initiateUpgrade } from './initiate.ts'
import * as read from './read.ts'

/** Every route of upgrade executions, in the order in which the documentation shows them. */
export function upgradeRoutes(deps: UpgradeRouteDeps): FeatureRoutes {
  return [
    initiateUpgrade(deps),
    commands.start(deps),
    commands.pause(deps),
    commands.resume(deps),
    commands.promote(deps),
    commands.rollback(deps),
    commands.cancel(deps),
    read.readOne(deps),
    read.listAll(deps),
    read.listOfTenant(deps),
    read.active(deps),
    read.events(deps),
    read.readStatisticsOf(deps),
    backups.postBackup(deps),
    backups.getBackups(deps),
  ]
}
