import { ActFailed } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import type { ReleaseAct } from '../core/model.ts'
import type { ActDeps } from './context.ts'

type ThawAct = Extract<ReleaseAct, { kind: 'halt' | 'restore' }>

/** Takes a frozen release's workloads over: halted before helm, and with their own fields again after it. */
export function thaw({ ports, subject }: ActDeps) {
  return async (act: ThawAct, { lease }: ActContext): Promise<void> => {
    const { release } = await subject(lease.subject.id, act.operationId)
    if (lease.remainingMs() <= 0)
      throw new ActFailed('unchanged', { code: 'interrupted', detail: 'the lease was lost' })
    await ports.frozenWorkloads[act.kind](release, lease)
  }
}
