import { Problem } from '../../core/problems.ts'

/** Why a chart cannot be used: the `reason` beside the code `chart_invalid`. */
export type ChartFault =
  | 'packed_too_large'
  | 'unpacked_too_large'
  | 'file_too_large'
  | 'too_many_files'
  | 'subcharts_too_deep'
  | 'not_an_archive'
  | 'link'
  | 'unsafe_path'
  | 'duplicate_file'
  | 'chart_yaml'
  | 'values_yaml'
  | 'values_schema'
  | 'remote_reference'
  | 'dependency_missing'
  | 'library_chart'
  | 'digest_mismatch'
  | 'other_chart'
  | 'not_a_chart'

/** The one way to refuse a chart. `detail` names the file, never its content. */
export function invalidChart(reason: ChartFault, detail: string): Problem {
  return new Problem('chart_invalid', detail, { extra: { reason } })
}
