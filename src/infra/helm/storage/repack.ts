import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Header, Pax } from 'tar'
import { stringify } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { type ReleaseRecord, UnreadableRecordError } from './record.ts'

/** A file of a packaged chart; the path begins with the chart's name. */
export type ChartFile = { readonly path: string; readonly data: Uint8Array }

const compress = promisify(gzip)

/**
 * The chart of a release as a .tgz, for one that was not installed by Flotilla. Helm does not keep subcharts
 * in its record: one whose chart has dependencies throws `UnreadableRecordError`, and so does a path that climbs.
 */
export async function repackChart(record: ReleaseRecord): Promise<Buffer> {
  return packChart(chartFiles(record.chart.content))
}

/** Packs files the same way each time, so that the same chart has the same digest. */
export async function packChart(files: readonly ChartFile[]): Promise<Buffer> {
  const blocks = files.flatMap(({ path, data }) => [header(path, data.length), data, padding(data.length)])
  return compress(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

function chartFiles(chart: JsonObject): readonly ChartFile[] {
  const metadata = isJsonObject(chart.metadata) ? chart.metadata : {}
  const name = String(metadata.name ?? '')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new UnreadableRecordError('the chart of the record has no name')
  if (Array.isArray(metadata.dependencies) && metadata.dependencies.length > 0) {
    throw new UnreadableRecordError('the record does not hold the subcharts of its chart')
  }
  const file = (path: string, data: Uint8Array) => ({ path: `${name}/${safe(path)}`, data })
  return [
    file('Chart.yaml', Buffer.from(stringify(metadata))),
    file('values.yaml', Buffer.from(stringify(chart.values ?? {}))),
    ...(typeof chart.schema === 'string' ? [file('values.schema.json', decode(chart.schema))] : []),
    ...[...entries(chart.templates), ...entries(chart.files)].map((entry) => file(entry.name, entry.data)),
  ]
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

function header(path: string, size: number): Buffer {
  const fields = { path, size, mode: 0o644, type: 'File', mtime: new Date(0), uid: 0, gid: 0 } as const
  const block = Buffer.alloc(512)
  const needsMore = new Header(fields).encode(block)
  return needsMore ? Buffer.concat([new Pax({ path, size }).encode(), block]) : block
}

const padding = (size: number): Buffer => Buffer.alloc((512 - (size % 512)) % 512)
