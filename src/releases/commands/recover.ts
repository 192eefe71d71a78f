import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { ofAnotherHand } from '../core/command.ts'
import { decideRelease } from '../core/decide.ts'
import { openOperation } from '../core/situation.ts'
import type { ReleaseDeps } from '../deps.ts'
import { command } from './accepting.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { bareOperation } from './uninstall.ts'

/** What `recover` did or would do: `operationId` is null where there is nothing to settle. */
export type Recovery = {
  readonly action: 'none' | 'settle'
  readonly detail: string
  readonly operationId: Uuid | null
}

/**
 * Settles a pending revision of another hand with `force`; one of ours settles by itself (SPEC section 3, "Recovery").
 * With `dryRun` nothing changes. Throws `Problem`: 409 with a live operation or execution.
 */
export async function recover(
  deps: ReleaseDeps,
  call: CommandCall,
  id: Uuid,
  body: { readonly force: boolean; readonly dryRun: boolean },
): Promise<Recovery> {
  const state = await visibleRelease(deps, call.principal, id)
  const operation = bareOperation(deps, call, state.release, {})
  const order = { kind: 'recover', operation, force: body.force || body.dryRun } as const
  const decision = decideRelease(state, { kind: 'command', command: order }, deps.clock.now())
  if (decision.kind === 'rejected') throw new Problem(decision.code, decision.detail, { extra: decision.extra ?? {} })
  if (openOperation(decision.state) === null) return { action: 'none', detail: 'nothing is pending', operationId: null }
  if (!body.dryRun) return settling(await command(deps, call, id, order))
  const detail = `revision ${state.release.revision} is ${ofAnotherHand(state.release)}; {"force": true} settles it as failed, whether its helm still runs or not`
  return { action: 'settle', detail, operationId: null }
}

/** What is said of a recovery by its operation alone, so that a replay says the same. */
export function settling(operationId: Uuid): Recovery {
  return { action: 'settle', detail: 'the operation settles what another hand has left pending as failed', operationId }
}
