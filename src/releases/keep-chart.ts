import { Problem } from '../core/problems.ts'
import { repackChart, type StoredRecord, UnreadableRecordError } from '../infra/helm/index.ts'
import type { Charts } from './ports.ts'

/**
 * Keeps the chart of a revision that another hand made, repacked from Helm's record, so that later operations have its
 * bytes and its schema says what is hidden. Null when it cannot be repacked: the release is shown all the same.
 */
export async function keepChart(charts: Charts, { record }: StoredRecord): Promise<string | null> {
  try {
    return (await charts.adopt(await repackChart(record))).digest
  } catch (error) {
    const unfit = error instanceof UnreadableRecordError || (error instanceof Problem && error.code === 'chart_invalid')
    if (unfit) return null
    throw error
  }
}
