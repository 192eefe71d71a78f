import { Lru } from '../core/lru.ts'
import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import type { Tx } from '../infra/database/types.ts'
import { announceEnd, type Change, wake } from '../infra/engine/index.ts'
import type { Log } from '../infra/log.ts'
import { releaseActs } from './acts/index.ts'
import { keepingFailures } from './acts/kept-failures.ts'
import { interruptible } from './core/command.ts'
import { decideRelease } from './core/decide.ts'
import { executionConcerned } from './core/execution.ts'
import type { ReleaseObservation, ReleaseState } from './core/model.ts'
import { openOperation } from './core/situation.ts'
import type { ReleaseDeps, ReleaseMachine } from './deps.ts'
import { openEvidence, sealEvidence } from './evidence.ts'
import { keepChart } from './keep-chart.ts'
import { shownObservation } from './machine-shown.ts'
import { type ObserveDeps, observeRelease } from './observe.ts'
import type { ReleaseCluster } from './ports.ts'
import { manifestsOf } from './remains.ts'
import { recordAwaited } from './store/awaited.ts'
import { revisionContent } from './store/queries.ts'

type MachineDeps = Omit<ReleaseDeps, 'machine'>

const rememberedDamage = 10_000

/** The machine of releases: the pure decision with its acts, its storage and its eyes. */
export function releaseMachine(deps: MachineDeps, log: Log): ReleaseMachine {
  const damaged = new Lru<true>(rememberedDamage)
  return {
    kind: 'release',
    share: ({ release }) => release.tenantId,
    decide: decideRelease,
    acts: keepingFailures(
      {
        ports: deps.ports,
        clock: deps.clock,
        load: (id) => deps.states.load(deps.db, id),
        tellAwaited: (lease, operationId, detail) => recordAwaited(deps.db, lease, operationId, detail),
        seal: (operationId, evidence) => sealEvidence(deps.vault, operationId, evidence),
      },
      releaseActs({ ports: deps.ports, clock: deps.clock }),
    ),
    load: (tx, id, how) => deps.states.load(tx, id, how),
    save: (tx, change) => save(deps, tx, change),
    observe: (state) => observe(deps, state, { damaged, log }),
    mustAbort,
  }
}

/** A cancelled install or upgrade is ended; a rollback or uninstall of helm is not interruptible. */
function mustAbort(state: ReleaseState): boolean {
  const operation = openOperation(state)
  return operation?.cancelRequested === true && interruptible(operation)
}

async function observe(
  deps: MachineDeps,
  state: ReleaseState,
  kept: Pick<ObserveDeps, 'damaged' | 'log'>,
): Promise<ReleaseObservation> {
  const cluster = reach(deps, state.release.clusterId)
  if (cluster === null) return { kind: 'unreadable', why: 'the kubeconfig has no context for the cluster' }
  const seen = await observeRelease(state, {
    cluster,
    manifests: (asked) => manifestsOf(deps, asked),
    manifestOf: async ({ release: { id } }, revision) =>
      (await revisionContent(deps.db, deps.vault, id, revision))?.manifest ?? null,
    traffic: (release) => deps.ports.frozenWorkloads.traffic(release),
    stillHeld: (release) => deps.ports.frozenWorkloads.stillHeld(release),
    heldTemplates: (release) => deps.ports.frozenWorkloads.templates(release),
    frozenVersions: (release) => deps.ports.frozenWorkloads.versions(release),
    keepChart: (stored) => keepChart(deps.ports.charts, stored),
    openEvidence: (operationId, evidence) => openEvidence(deps.vault, operationId, evidence),
    ...kept,
    now: deps.clock.now(),
  })
  return shownObservation(deps.ports.charts, state, seen)
}

function reach({ ports }: MachineDeps, clusterId: Uuid): ReleaseCluster | null {
  try {
    return ports.clusters.of(clusterId)
  } catch (error) {
    if (error instanceof Problem && error.code === 'cluster_unavailable') return null
    throw error
  }
}

/** Who waits for the operation is told in the same transaction: callers that poll, the batch that started it, and the execution that holds it. */
async function save({ states, clock }: MachineDeps, tx: Tx, change: Change<ReleaseState>): Promise<void> {
  const { before, after } = change
  await states.save(tx, change, clock.now())
  const execution = executionConcerned(before, after)
  if (execution !== null) await wake(tx, { kind: 'execution', id: execution }, { share: after.release.tenantId })
  const ended = openOperation(before) !== null && openOperation(after) === null ? after.operation : null
  if (ended === null) return
  await announceEnd(tx, ended.id)
  if (ended.parentId !== null) await wake(tx, { kind: 'batch', id: ended.parentId })
}
