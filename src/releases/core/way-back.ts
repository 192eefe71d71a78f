import type { HelmRevision, ReleaseState } from './model.ts'
import { lastSuccessful } from './revisions.ts'
import { openOperation } from './situation.ts'

/** Where an atomic upgrade goes back to whose revision is `current`; undefined where nothing ended DEPLOYED before it. */
export function revisionBefore(state: ReleaseState, current: number): number | undefined {
  return lastSuccessful({ ...state, release: { ...state.release, revision: current } })?.revision
}

/** The revision that the next act may go back to, by what is known before it is decided; null: it goes nowhere back. */
export function rollbackAhead(state: ReleaseState, newest: Pick<HelmRevision, 'revision' | 'status'>): number | null {
  const operation = openOperation(state)
  if (operation === null) return null
  const { kind, phase, request, reverting } = operation
  if (kind === 'rollback') return phase.name === 'queued' ? request.targetRevision : null
  const fails = phase.name === 'failing' || (phase.name === 'settling' && phase.next.kind === 'conclude')
  const goesBack = kind === 'upgrade' && request.atomic && reverting === null && fails && newest.status === 'failed'
  return goesBack ? (revisionBefore(state, newest.revision) ?? null) : null
}
