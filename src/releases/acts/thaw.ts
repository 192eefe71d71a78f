import { ActFailed } from '../../infra/engine/index.ts'
import type { ReleaseAct } from '../core/model.ts'
import type { ActDeps, ReleaseActContext } from './context.ts'

type ThawAct = Extract<ReleaseAct, { kind: 'halt' | 'restore' | 'repin' }>

/** What is done to a frozen release: halted before helm, with its own fields again after it, its traffic moved between. */
export function thaw({ ports }: ActDeps) {
  return async (act: ThawAct, { lease, subject }: ReleaseActContext): Promise<void> => {
    const { release, operation } = subject
    if (lease.remainingMs() <= 0)
      throw new ActFailed('unchanged', { code: 'interrupted', detail: 'the lease was lost' })
    await ports.frozenWorkloads[act.kind](release, lease, operation.kind === 'rollback' ? 'back' : 'on')
  }
}
