import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Mask } from '../infra/secrets/mask.ts'
import { type ExecutionOrders, whyUnreadable } from '../releases/index.ts'
import { postChecks } from './checks/post-checks.ts'
import { preChecks } from './checks/pre-checks.ts'
import type { CheckReport, Execution, ExecutionObservation, FleetSight, ReleaseSight } from './core/model.ts'
import { isTerminal } from './core/model.ts'
import { podsAboutToGo, wantsProbe } from './core/probes.ts'
import { counted } from './core/slots.ts'
import type { MachineDeps } from './deps.ts'
import type { FleetLook } from './drivers/driver.ts'
import { allMasks, shownSight } from './shown.ts'

/** Nothing of it needs a look: it claims nothing and holds nothing. */
const nothing: ExecutionObservation = { kind: 'seen', releases: [], fleet: null, checks: null }

/**
 * Looks at everything that an execution depends on; changes nothing. A cluster that does not answer is `unreadable`,
 * never taken for gone.
 */
export async function observeExecution(deps: MachineDeps, execution: Execution): Promise<ExecutionObservation> {
  if (execution.status === 'PENDING' || isTerminal(execution.status)) return nothing
  try {
    const { releases, fleet } = await lookAt(deps, execution)
    const seen = { kind: 'seen', releases, fleet, checks: await checksOf(deps, execution, fleet) } as const
    return execution.target.kind === 'rehearsal' ? seen : await shownSight(seen, () => maskOf(deps, execution))
  } catch (error) {
    return { kind: 'unreadable', why: whyOf(error) }
  }
}

/** What hides the marked values of every release that is claimed. */
export async function maskOf({ ports }: MachineDeps, { claims }: Pick<Execution, 'claims'>): Promise<Mask> {
  return allMasks(await Promise.all(claims.map(({ releaseId }) => ports.releases.mask(releaseId))))
}

/** What is thrown that is no matter of a cluster is a fault of ours: it goes on. */
function whyOf(error: unknown): string {
  if (error instanceof Problem && error.status === 503) return error.message
  return whyUnreadable(error)
}

type Sight = { readonly releases: readonly ReleaseSight[]; readonly fleet: FleetSight }

async function lookAt(deps: MachineDeps, execution: Execution): Promise<Sight> {
  const look = lookOf(execution, deps.clock.now())
  if (execution.target.kind === 'rehearsal') return deps.ports.fleets.rehearsal.look(execution, look)
  // First the releases: where helm is seen to have applied, the fleet is seen as it is after that.
  const releases = await releaseSights(deps, execution)
  const fleet = await deps.ports.fleets[execution.target.kind].driver.observe(execution, look)
  return { releases, fleet }
}

/** The post-checks ask every health endpoint. */
function lookOf(execution: Execution, now: number): FleetLook {
  const all = execution.stage === 'verifying' && execution.healthEndpoint !== null
  return { wantsProbe: all ? () => true : wantsProbe(execution, now), aboutToGo: podsAboutToGo(execution) }
}

async function releaseSights({ db, ports }: MachineDeps, { claims }: Execution): Promise<readonly ReleaseSight[]> {
  const asked = claims.map(({ releaseId, deployId, undoId }) => ({ releaseId, operationIds: [deployId, undoId] }))
  const sights = await ports.releases.orders.look(db, asked)
  return claims.flatMap(({ releaseId, deployId, undoId }) => {
    const sight = sights.find((each) => each.releaseId === releaseId)
    if (sight === undefined) return []
    const { exists, revision, secretUid, orders, stands } = sight
    const child = (id: string) => orders[id] ?? ({ kind: 'absent' } as const)
    const ours = { [deployId]: 'deploy', [undoId]: 'undo' } as const
    const madeBy = sight.madeBy === null ? null : (ours[sight.madeBy] ?? 'operation')
    const stood = stands === null ? {} : { stands }
    return [{ releaseId, exists, revision, secretUid, madeBy, ...stood, deploy: child(deployId), undo: child(undoId) }]
  })
}

/** The claimed releases on which helm works for the execution now. */
export async function workingReleases(
  db: Db,
  orders: ExecutionOrders,
  { claims }: Pick<Execution, 'claims'>,
): Promise<ReadonlySet<Uuid>> {
  const sights = await orders.look(
    db,
    claims.map(({ releaseId, deployId, undoId }) => ({ releaseId, operationIds: [deployId, undoId] })),
  )
  const working = sights.filter(({ orders: given }) => Object.values(given).some(({ kind }) => kind === 'running'))
  return new Set(working.map(({ releaseId }) => releaseId))
}

/** Checks only read, so they are part of a look; they are made where the decision is about them. */
async function checksOf(deps: MachineDeps, execution: Execution, fleet: FleetSight): Promise<CheckReport | null> {
  if (execution.stage === 'verifying') return postChecks(execution, fleet)
  if (execution.status !== 'VALIDATING' || execution.stage !== 'checking') return null
  return preChecks(deps, counted(execution, fleet), deps.ports.fleets[execution.target.kind])
}
