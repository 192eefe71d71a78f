import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { FleetRelease } from '../../releases/index.ts'
import { endedHalfWay } from '../store/queries.ts'
import { runsFrozen } from './require-releases.ts'

/** One end of an upgrade, as it is known before an execution is made and after. */
export type End = { readonly id: Uuid; readonly version: string; readonly chartVersion: string }
export type Between = {
  readonly tenantId: Uuid
  readonly componentId: Uuid
  readonly from: End
  readonly to: End
}

/**
 * Whether several releases are in two versions because the execution before has ended in the middle, between just these: the
 * next one takes them over as a whole (docs/adr/0056). One workload says so itself: it is frozen.
 */
export async function isHalfWay(db: Db, releases: readonly FleetRelease[], between: Between): Promise<boolean> {
  const { from, to } = between
  const runs = ({ chartVersion }: End) => releases.some((one) => one.chartVersion === chartVersion)
  const releaseIds = releases.map(({ id }) => id)
  return releases.length > 1 && runs(from) && runs(to) && endedHalfWay(db, { ...between, releaseIds })
}

/** Whether going there is no downgrade, and needs no edge: some of it runs that version already. */
export async function isTakenOver(db: Db, releases: readonly FleetRelease[], between: Between): Promise<boolean> {
  return runsFrozen(releases, between.to.version) || isHalfWay(db, releases, between)
}
