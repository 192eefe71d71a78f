import type { Db } from '../../infra/database/types.ts'
import type { FleetRelease } from '../../releases/index.ts'
import type { Execution, VersionRef } from '../core/model.ts'
import { endedHalfWay } from '../store/queries.ts'
import { runsFrozen } from './require-releases.ts'

/** An upgrade as it is known before an execution of it is made, and after. */
export type Between = Pick<Execution, 'tenantId' | 'componentId' | 'from' | 'to'>

/**
 * Whether several releases are in two versions because the execution before has ended in the middle, between just these: the
 * next one takes them over as a whole (docs/adr/0056). One workload says so itself: it is frozen.
 */
export async function isHalfWay(db: Db, releases: readonly FleetRelease[], between: Between): Promise<boolean> {
  const { from, to } = between
  const runs = ({ chartVersion }: VersionRef) => releases.some((one) => one.chartVersion === chartVersion)
  const releaseIds = releases.map(({ id }) => id)
  return releases.length > 1 && runs(from) && runs(to) && endedHalfWay(db, { ...between, releaseIds })
}

/** Whether going there is no downgrade, and needs no edge: some of it runs that version already. */
export async function isTakenOver(db: Db, releases: readonly FleetRelease[], between: Between): Promise<boolean> {
  return runsFrozen(releases, between.to.version) || isHalfWay(db, releases, between)
}
