import { Problem } from '../core/problems.ts'
import { repackChart, type StoredRecord, SubchartsUnrecorded, UnreadableRecordError } from '../infra/helm/index.ts'
import type { Charts, ResolvedChart } from './ports.ts'

/**
 * Keeps the chart of a revision that another hand made, repacked from Helm's record, so that later operations have its
 * bytes and its schema says what is hidden. Null when it cannot be repacked: the release is shown all the same.
 */
export async function keepChart(charts: Charts, stored: StoredRecord): Promise<string | null> {
  try {
    return (await adoptChart(charts, stored))?.digest ?? null
  } catch (error) {
    if (error instanceof SubchartsUnrecorded) return null
    throw error
  }
}

/** The same, for whoever needs the chart: throws `SubchartsUnrecorded` where that is why it cannot be repacked. */
export async function adoptChart(charts: Charts, { record }: StoredRecord): Promise<ResolvedChart | null> {
  try {
    return await charts.adopt(await repackChart(record))
  } catch (error) {
    if (error instanceof SubchartsUnrecorded) throw error
    const unfit = error instanceof UnreadableRecordError || (error instanceof Problem && error.code === 'chart_invalid')
    if (unfit) return null
    throw error
  }
}
