import { sql } from 'kysely'
import type { Tx } from '../../infra/database/types.ts'
import type { Release } from '../core/model.ts'
import { shownStatus } from '../core/shown.ts'
import { tables } from './tables.ts'

/** Under which counter a release stands. Until a revision has ended DEPLOYED it counts by status only (SPEC section 3). */
type CountKey = {
  readonly tenant_id: string
  readonly chart: string
  readonly chart_version: string
  readonly status: string
}

export function countKey(release: Release): CountKey {
  const known = release.everDeployed && release.status !== 'UNINSTALLED'
  return {
    tenant_id: release.tenantId,
    chart: known ? release.chart : '',
    chart_version: known ? release.chartVersion : '',
    status: shownStatus(release),
  }
}

const textOf = (key: CountKey): string => JSON.stringify([key.tenant_id, key.chart, key.chart_version, key.status])

/** Moves a release from one counter to another. Rows are touched in key order, so that two moves never deadlock. */
export async function recount(tx: Tx, before: Release | null, after: Release): Promise<void> {
  const to = countKey(after)
  const from = before === null ? null : countKey(before)
  if (from !== null && textOf(from) === textOf(to)) return
  const changes = [...(from === null ? [] : [{ ...from, n: -1 }]), { ...to, n: 1 }]
  changes.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
  await tables(tx)
    .insertInto('release_counts')
    .values(changes)
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'chart', 'chart_version', 'status'])
        .doUpdateSet({ n: sql`release_counts.n + excluded.n` }),
    )
    .execute()
}
