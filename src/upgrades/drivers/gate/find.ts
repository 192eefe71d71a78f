import type { Uuid } from '../../../core/subject.ts'
import type { Db } from '../../../infra/database/types.ts'
import type { GateRow } from '../../store/gate-row.ts'
import type { GateStore } from '../../store/gates.ts'
import { carriesNote } from './annotation.ts'
import type { GateKind, Workload } from './model.ts'

/**
 * The gate on a workload; null without one. One that was made anew with our note on it (`kubectl replace --force`, a backup that
 * is restored) is held as the one before was: then it is that one's row, by its name (docs/adr/0062).
 */
export async function gateOn(
  { db, gates }: { readonly db: Db; readonly gates: GateStore },
  clusterId: Uuid,
  { kind }: Pick<GateKind, 'kind'>,
  live: Workload,
): Promise<GateRow | null> {
  const { namespace = '', name, uid = '' } = live.metadata
  const row = await gates.find(db, clusterId, uid)
  return row !== null || !carriesNote(live) ? row : gates.ofName(db, { clusterId, namespace, kind, name })
}
