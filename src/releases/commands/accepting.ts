import { seconds } from '../../core/instant.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { CommitUnknown, transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { executeIn } from '../../infra/engine/index.ts'
import type { CallerCommand } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { holdAccepting, wasAccepted } from '../store/operations.ts'
import { auditAccepted } from './audit.ts'
import type { CommandCall } from './context.ts'
import { requireQueued } from './queue-limit.ts'

/**
 * How often and how long it is asked whether an operation was accepted whose COMMIT was not answered: longer than the
 * 10 s after which the server ends a transaction that its COMMIT never reached. A question takes time of its own.
 */
const readBack = { everyMs: 500, forMs: 15_000 } as const

/**
 * Runs the transaction that accepts an operation. A COMMIT whose answer was lost is read back, never repeated
 * (DESIGN.md): the operation is there or it is not. Throws what the body throws, and `unavailable` when it is not there,
 * or when the database does not say.
 */
export async function accepting(
  deps: Pick<ReleaseDeps, 'db' | 'clock'>,
  operationId: Uuid,
  body: (tx: Tx) => Promise<void>,
): Promise<void> {
  try {
    await transaction(deps.db, async (tx) => {
      await holdAccepting(tx, operationId)
      await body(tx)
    })
  } catch (error) {
    if (!(error instanceof CommitUnknown)) throw error
    if (!(await readAccepted(deps, operationId))) {
      throw new Problem('unavailable', 'the database was away: nothing was accepted, try again')
    }
  }
}

async function readAccepted({ db, clock }: Pick<ReleaseDeps, 'db' | 'clock'>, operationId: Uuid): Promise<boolean> {
  const end = clock.now() + readBack.forMs
  do {
    const accepted = await wasAccepted(db, operationId).catch(() => null)
    if (accepted !== null) return accepted
    await clock.sleep(readBack.everyMs)
  } while (clock.now() < end)
  const extra = { operationId, retryAfterSeconds: seconds(5) / 1000 }
  throw new Problem('unavailable', `the database does not say whether operation ${operationId} was accepted`, { extra })
}

/** Gives a command to a release. Answers the id of the operation that it made. Throws `Problem` where it is refused. */
export async function command(
  deps: ReleaseDeps,
  call: CommandCall,
  releaseId: Uuid,
  order: Exclude<CallerCommand, { kind: 'cancel' }>,
): Promise<Uuid> {
  const { id } = order.operation
  await accepting(deps, id, async (tx) => {
    const state = await executeIn(tx, deps.machine, releaseId, { command: order, now: deps.clock.now() })
    if (state.operation?.id !== id) throw new Problem('conflict', 'the release changed meanwhile: look again')
    const { tenantId } = state.release
    const action = call.action ?? (`release.${order.kind}` as const)
    await auditAccepted(tx, deps, call, { action, subject: `release/${releaseId}`, tenantId, operationId: id })
    await call.onAccept(tx, id)
    await requireQueued(tx, tenantId)
  })
  return id
}
