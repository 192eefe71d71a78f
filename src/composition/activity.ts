import type { ActivityDeps } from '../activity/index.ts'
import { createEventFeed } from '../infra/events/feed-stream.ts'
import type { Log } from '../infra/log.ts'
import { type ReleaseDeps, requireVisibleRelease } from '../releases/index.ts'
import { requireTenant, requireVisibleExecution, type UpgradeDeps } from '../upgrades/index.ts'
import type { Storage } from './database.ts'

export type ActivityParts = {
  readonly storage: Storage
  readonly log: Log
  readonly deps: ReleaseDeps
  readonly upgrades: UpgradeDeps
}

/** Joins the one stream of events to the features whose events it shows. */
export function activityDeps({ storage, log, deps, upgrades }: ActivityParts): ActivityDeps {
  return {
    db: deps.db,
    feed: createEventFeed(deps.db, storage.listener, log),
    ports: {
      requireTenant: (principal, id) => requireTenant(upgrades, principal, id),
      requireRelease: (principal, id) => requireVisibleRelease(deps, principal, id),
      requireExecution: (principal, id) => requireVisibleExecution(upgrades, principal, id),
    },
  }
}
