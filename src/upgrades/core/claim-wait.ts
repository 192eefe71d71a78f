import type { Waiting } from '../../core/decision.ts'
import { commandNames, commandTable } from './command.ts'
import { commandKinds, type Execution } from './model.ts'
import { waits } from './reasons.ts'

/** What waits for a person, for as long as that takes: no other wait is without a limit (core/SPEC.md, 7). */
const forAPerson: ReadonlySet<string> = new Set([waits.paused, waits.approval, waits.promotion, waits.canaryFailed])

/** What a release waits for that an execution holds: what that itself waits for, until when, or who ends it. Pure. */
export function waitOfClaim({ id, status, waitingFor }: Pick<Execution, 'id' | 'status' | 'waitingFor'>): Waiting {
  if (waitingFor === null) return { reason: ofExecution, until: null, detail: `the upgrade execution ${id} has it` }
  const { reason, until, detail: more } = waitingFor
  const what = `the upgrade execution ${id} waits for ${reason}`
  if (forAPerson.has(reason)) {
    const commands = namesOf(status, reason)
    const detail = `${what}, without a time limit: a person ends that, by ${commands} of the execution`
    return { reason: ofExecution, until: null, detail }
  }
  return { reason: ofExecution, until, detail: more === undefined || more === '' ? what : `${what}: ${more}` }
}

/** The reason of a release that waits for the execution which has claimed it. */
const ofExecution = 'UPGRADE_EXECUTION'

function namesOf(status: Execution['status'], reason: string): string {
  const kinds = commandKinds.filter((kind) => commandTable[status][kind])
  const names = kinds
    .filter((kind) => kind !== 'promote' || reason !== waits.canaryFailed)
    .map((kind) => commandNames[kind])
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
