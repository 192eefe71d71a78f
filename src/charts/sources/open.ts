import type { Uuid } from '../../core/subject.ts'
import type { Helm } from '../../infra/helm/types.ts'
import type { ChartSource, SignedSource, SourceRecord, SourceType } from '../types.ts'
import { folderSource } from './folder.ts'
import { type HttpSourceParts, httpSource } from './http.ts'
import { ociSource } from './oci/source.ts'
import { verifiedSource } from './verify.ts'

export type SourceParts = HttpSourceParts & {
  /** `CHART_FOLDERS`: folder sources lie below these. */
  readonly folders: readonly string[]
  /** Who judges provenance. */
  readonly helm: Pick<Helm, 'verify'>
}

/** The adapter of a configured source. */
export function openSource(record: SourceRecord, parts: SourceParts): ChartSource {
  const open: Record<SourceType, () => SignedSource> = {
    http: () => httpSource(record, parts),
    folder: () => folderSource(record, parts.folders),
    oci: () => ociSource(record, parts),
  }
  const source = open[record.type]()
  return record.verify === null ? source : verifiedSource(source, record.verify, parts.helm)
}

/**
 * The configured sources, opened. An adapter lives as long as its record, so that its index is asked for once; records
 * never change, a new one has a new id.
 */
export function openSources(
  list: () => Promise<readonly SourceRecord[]>,
  parts: SourceParts,
): () => Promise<readonly ChartSource[]> {
  let open: ReadonlyMap<Uuid, ChartSource> = new Map()
  return async () => {
    const records = await list()
    open = new Map(records.map((record) => [record.id, open.get(record.id) ?? openSource(record, parts)]))
    return [...open.values()]
  }
}
