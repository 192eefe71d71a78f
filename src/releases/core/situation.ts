import type { ErrorCode } from '../../core/problems.ts'
import type { Operation, Release, ReleaseState } from './model.ts'

/** The rows of the table "Status, command" of SPEC section 3, as one word each. */
export const situations = [
  'claimed',
  'ownOperation',
  'external',
  'deployed',
  'failedInstall',
  'failedChange',
  'failedUninstall',
  'frozen',
  'uninstalled',
] as const
export type Situation = (typeof situations)[number]

export const releaseCommands = ['upgrade', 'rollback', 'uninstall', 'recover'] as const
export type CommandKind = (typeof releaseCommands)[number]

/** The operation that is not over yet, or null. */
export function openOperation(state: ReleaseState): Operation | null {
  return state.operation !== null && state.operation.endedAt === null ? state.operation : null
}

/** In which row of the table a release stands. */
export function situationOf(state: ReleaseState): Situation {
  const { release } = state
  if (release.status === 'UNINSTALLED') return 'uninstalled'
  if (release.claim !== null) return 'claimed'
  if (openOperation(state) !== null) return 'ownOperation'
  if (release.pendingBy === 'external') return 'external'
  if (release.frozen !== null && release.failedKind !== 'uninstall') return 'frozen'
  return release.status === 'FAILED' ? failedSituation(release) : 'deployed'
}

function failedSituation(release: Release): Situation {
  if (release.failedKind === 'uninstall') return 'failedUninstall'
  return release.everDeployed ? 'failedChange' : 'failedInstall'
}

/** What a command meets: it may go on, or it is refused with this code. */
export type Answer = 'allowed' | ErrorCode

/** SPEC section 3, the table of status and command: complete by type. `install` on a taken name is `name_taken`. */
export const commandTable: Readonly<Record<Situation, Readonly<Record<CommandKind, Answer>>>> = {
  ownOperation: all('operation_in_progress'),
  claimed: all('claimed_by_execution'),
  external: {
    upgrade: 'pending_elsewhere',
    rollback: 'pending_elsewhere',
    uninstall: 'pending_elsewhere',
    recover: 'allowed',
  },
  deployed: all('allowed'),
  failedInstall: all('allowed'),
  failedChange: all('allowed'),
  failedUninstall: {
    upgrade: 'uninstall_unfinished',
    rollback: 'wrong_status',
    uninstall: 'allowed',
    recover: 'allowed',
  },
  frozen: all('allowed'),
  uninstalled: { upgrade: 'wrong_status', rollback: 'wrong_status', uninstall: 'wrong_status', recover: 'allowed' },
}

function all(answer: Answer): Record<CommandKind, Answer> {
  return { upgrade: answer, rollback: answer, uninstall: answer, recover: answer }
}

/** The commands that the release would take now, for error texts and for `/me`-like hints. */
export function allowedCommands(state: ReleaseState): readonly CommandKind[] {
  const row = commandTable[situationOf(state)]
  return releaseCommands.filter((command) => row[command] === 'allowed')
}
