import { stringify } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { helmYaml } from '../../helm-yaml.ts'
import { packTgzAside } from '../../tgz.ts'
import { type ReleaseRecord, UnreadableRecordError } from './record.ts'

/** The chart has subcharts, which Helm does not keep in its record. */
export class SubchartsUnrecorded extends UnreadableRecordError {}

/**
 * The chart of a release as a .tgz, for one that was not installed by Flotilla. One that is known to have subcharts throws
 * `SubchartsUnrecorded` (docs/adr/0005); a path that climbs or is there twice throws `UnreadableRecordError`.
 */
export async function repackChart(record: ReleaseRecord): Promise<Buffer> {
  const files = chartFiles(record.chart.content)
  const byPath = new Map(files)
  if (byPath.size < files.length) throw new UnreadableRecordError('the chart of the record has a file twice')
  return packTgzAside(byPath)
}

/** The path of each file begins with the chart's name. */
function chartFiles(chart: JsonObject): readonly (readonly [path: string, data: Uint8Array])[] {
  const metadata = isJsonObject(chart.metadata) ? chart.metadata : {}
  const name = String(metadata.name ?? '')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new UnreadableRecordError('the chart of the record has no name')
  if (hasSubcharts(chart, metadata))
    throw new SubchartsUnrecorded('the record does not hold the subcharts of its chart')
  const file = (path: string, data: Uint8Array) => [`${name}/${safe(path)}`, data] as const
  return [
    file('Chart.yaml', Buffer.from(stringify(metadata, helmYaml))),
    file('values.yaml', Buffer.from(stringify(chart.values ?? {}, helmYaml))),
    ...(typeof chart.schema === 'string' ? [file('values.schema.json', decode(chart.schema))] : []),
    ...[...entries(chart.templates), ...entries(chart.files)].map((entry) => file(entry.name, entry.data)),
  ]
}

/** Helm leaves out of the metadata what the values disable, and of the lock nothing. */
function hasSubcharts({ lock }: JsonObject, metadata: JsonObject): boolean {
  return [metadata, isJsonObject(lock) ? lock : {}].some(
    ({ dependencies }) => Array.isArray(dependencies) && dependencies.length > 0,
  )
}

function entries(list: Json | undefined): readonly { name: string; data: Uint8Array }[] {
  if (!Array.isArray(list)) return []
  return list.filter(isJsonObject).map(({ name, data }) => ({ name: String(name), data: decode(String(data ?? '')) }))
}

const decode = (base64: string): Uint8Array => Buffer.from(base64, 'base64')

/** Names come from a Secret in a tenant's namespace: they must stay inside the chart. */
function safe(path: string): string {
  const parts = path.split('/')
  const climbs = parts.some((part) => part === '' || part === '.' || part === '..')
  if (climbs || /[\\\0]/.test(path))
    throw new UnreadableRecordError('the chart of the record has a path that leaves it')
  return path
}
