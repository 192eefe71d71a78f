import type { ActDeps, ReleaseActs } from './context.ts'
import { install } from './install.ts'
import { removeStuckPods } from './remove-stuck-pods.ts'
import { rollback } from './rollback.ts'
import { settle, supersede } from './settle.ts'
import { thaw } from './thaw.ts'
import { uninstall } from './uninstall.ts'
import { upgrade } from './upgrade.ts'

/** Everything that Flotilla does to a cluster for a release, by kind. */
export function releaseActs(deps: ActDeps): ReleaseActs {
  return {
    install: install(deps),
    upgrade: upgrade(deps),
    rollback: rollback(deps),
    uninstall: uninstall(deps),
    settle: settle(deps),
    supersede: supersede(deps),
    halt: thaw(deps),
    restore: thaw(deps),
    repin: thaw(deps),
    removeStuckPods: removeStuckPods(deps),
  }
}
