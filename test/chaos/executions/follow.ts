import { setTimeout as sleep } from 'node:timers/promises'
import { noteRefusal } from '../lane.ts'
import type { ExecutionParts } from './lane.ts'

type Shown = {
  readonly status: string
  readonly waitingFor: { readonly reason: string; readonly until: string | null } | null
}

export const terminal: ReadonlySet<string> = new Set(['ROLLED_BACK', 'COMPLETED', 'FAILED', 'CANCELLED'])
/** What waits without end waits for a person (SPEC.md of the machine, invariant 7). */
const forPerson = new Set(['NOT_STARTED', 'PAUSED', 'APPROVAL_REQUIRED', 'CANARY_PROMOTION', 'CANARY_FAILED'])
/** How long an execution may take once nobody gives it a command any more: beyond all its own limits, faults included. */
const endsWithinMs = 120_000

/** What a person might do in each status, with its share of the looks; the rest of them do nothing. */
const habits: Readonly<Record<string, readonly (readonly [command: string, share: number])[]>> = {
  VALIDATING: [['cancel', 0.005]],
  IN_PROGRESS: [
    ['pause', 0.025],
    ['rollback', 0.012],
    ['cancel', 0.008],
    ['cancel?immediate=true', 0.008],
  ],
  CANARY_RUNNING: [
    ['pause', 0.03],
    ['rollback', 0.015],
    ['cancel', 0.015],
  ],
  CANARY_MONITORING: [
    ['promote-canary', 0.5],
    ['rollback', 0.08],
    ['cancel', 0.02],
  ],
  PAUSED: [
    ['resume', 0.5],
    ['rollback', 0.05],
    ['cancel', 0.02],
  ],
  ROLLING_BACK: [
    ['cancel', 0.01],
    ['cancel?immediate=true', 0.01],
  ],
}

/** Starts an execution and gives it commands until it ends. Once the lanes stop, it ends by itself or is cancelled. */
export async function follow(id: string, parts: ExecutionParts): Promise<void> {
  const { client, stop, onTrouble } = parts
  let started = await give(id, 'start', parts)
  for (let since = performance.now(); ; await sleep(250)) {
    const { status, waitingFor } = (await client.get(`/registry/upgrades/${id}`)).body as Shown
    if (terminal.has(status)) return
    if (!stop.aborted) since = performance.now()
    if (performance.now() - since > endsWithinMs) {
      return onTrouble(`execution ${id} is ${status} and waits for ${waitingFor?.reason}, and does not end`)
    }
    const command = stop.aborted || !started ? whenLeft(status, waitingFor, onTrouble, id) : habit(status, parts)
    if (command !== null) await give(id, command, parts)
    started ||= status !== 'PENDING'
  }
}

/** Nobody drives it any more: what waits for a person is cancelled; all else says until when it waits. */
function whenLeft(
  status: string,
  waitingFor: Shown['waitingFor'],
  onTrouble: (what: string) => void,
  id: string,
): string | null {
  if (waitingFor === null || waitingFor.until === null) {
    onTrouble(`execution ${id} is ${status} and does not say what it waits for, or until when`)
  }
  return waitingFor !== null && forPerson.has(waitingFor.reason) ? 'cancel' : null
}

function habit(status: string, { chance }: ExecutionParts): string | null {
  let at = chance.next()
  for (const [command, share] of habits[status] ?? []) {
    at -= share
    if (at < 0) return command
  }
  return null
}

/** True when it was taken. */
async function give(id: string, command: string, parts: ExecutionParts): Promise<boolean> {
  const answer = await parts.client.command('POST', `/registry/upgrades/${id}/${command}`, {})
  if (answer.status === 202) return true
  noteRefusal(answer, `${command} of ${id}`, parts)
  return false
}
