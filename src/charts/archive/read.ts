import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { JsonObject } from '../../core/json.ts'
import { invalidChart } from './faults.ts'
import { declaresHooks } from './hooks.ts'
import { Budget, chartLimits, packedTooLarge } from './limits.ts'
import { type ChartMetadata, type Dependency, readMetadata, readYaml } from './metadata.ts'
import { readSchema, type ValuesSchema } from './schema.ts'
import { readTar, type TarFile } from './tar-reader.ts'

/** A chart as Flotilla knows it: checked, never rendered here. */
export type Chart = {
  readonly metadata: ChartMetadata
  /** Its `values.yaml`. */
  readonly defaults: JsonObject
  readonly schema: ValuesSchema | null
  /** Whether it, or a chart inside, has hooks besides tests. */
  readonly hasHooks: boolean
  readonly subcharts: readonly Chart[]
}

/** A chart with the bytes it came in. `digest` is the SHA-256 of these bytes, in hexadecimal. */
export type PackagedChart = Chart & { readonly archive: Buffer; readonly digest: string }

type Files = ReadonlyMap<string, Buffer>
type Place = { readonly path: string; readonly depth: number; readonly budget: Budget }

/** The SHA-256 of an archive, in hexadecimal: what repositories call its digest. */
export function digestOf(archive: Uint8Array): string {
  return createHash('sha256').update(archive).digest('hex')
}

/**
 * Reads a packaged chart with all charts inside it, within the limits of SECURITY.md; writes nothing.
 * Throws `chart_invalid` with the `reason`.
 */
export async function readChart(archive: Buffer): Promise<PackagedChart> {
  const chart = await readArchive(archive, { path: '', depth: 0, budget: new Budget() })
  if (chart.metadata.type === 'library') throw invalidChart('library_chart', 'a library chart cannot be installed')
  return { ...chart, archive, digest: digestOf(archive) }
}

async function readArchive(archive: Buffer, place: Place): Promise<Chart> {
  if (archive.length > chartLimits.packedBytes) throw packedTooLarge()
  const tar = await unzip(archive, place.budget)
  return readFiles(belowRoot(readTar(tar, place.budget)), place)
}

/** Room for the headers beside the content that the budget counts. */
const headerBytes = 2 * chartLimits.files * 512

async function unzip(archive: Buffer, budget: Budget): Promise<Buffer> {
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: Math.max(budget.left, 0) + headerBytes })
  } catch (error) {
    const tooLarge = error instanceof RangeError
    if (tooLarge) throw invalidChart('unpacked_too_large', 'a chart may have at most 100 MiB unpacked')
    throw invalidChart('not_an_archive', 'the chart is not a gzip archive')
  }
}

/** The files without the one folder that all of them must be in. */
function belowRoot(files: readonly TarFile[]): Files {
  const root = files[0]?.path.split('/')[0] ?? ''
  const stray = files.find(({ path }) => !path.startsWith(`${root}/`))
  if (stray !== undefined) throw invalidChart('unsafe_path', `${stray.path} lies outside the folder of the chart`)
  return new Map(files.map(({ path, content }) => [path.slice(root.length + 1), content]))
}

async function readFiles(files: Files, place: Place): Promise<Chart> {
  if (place.depth > chartLimits.subchartDepth) {
    throw invalidChart('subcharts_too_deep', `${place.path}: charts inside charts go deeper than 8`)
  }
  const at = (name: string): string => `${place.path}${name}`
  const file = (name: string): string | null =>
    files
      .get(name)
      ?.toString('utf8')
      .replace(/^\uFEFF/, '') ?? null
  const chartYaml = file('Chart.yaml')
  if (chartYaml === null) throw invalidChart('chart_yaml', `${at('Chart.yaml')} is missing`)
  const metadata = readMetadata(at('Chart.yaml'), chartYaml, file('requirements.yaml'))
  const schema = file('values.schema.json')
  const subcharts = await readSubcharts(files, place)
  requireDependencies(metadata.dependencies, subcharts, place)
  return {
    metadata,
    defaults: readYaml('values_yaml', at('values.yaml'), file('values.yaml') ?? ''),
    schema: schema === null ? null : readSchema(at('values.schema.json'), schema),
    hasHooks: declaresHooks(templates(files)) || subcharts.some((chart) => chart.hasHooks),
    subcharts,
  }
}

function templates(files: Files): readonly string[] {
  return [...files].flatMap(([path, content]) => (path.startsWith('templates/') ? [content.toString('utf8')] : []))
}

function requireDependencies(wanted: readonly Dependency[], subcharts: readonly Chart[], { path }: Place): void {
  const present = new Set(subcharts.map(({ metadata }) => metadata.name))
  const missing = wanted.find(({ name }) => !present.has(name))
  if (missing === undefined) return
  throw invalidChart('dependency_missing', `${path}charts/ lacks the dependency ${missing.name}`)
}

async function readSubcharts(files: Files, { path, depth, budget }: Place): Promise<readonly Chart[]> {
  const charts: Chart[] = []
  for (const [name, inside] of subchartFolders(files)) {
    const place: Place = { path: `${path}charts/${name}/`, depth: depth + 1, budget }
    const packed = name.endsWith('.tgz') ? inside.get('') : undefined
    charts.push(packed === undefined ? await readFiles(inside, place) : await readArchive(packed, place))
  }
  return charts
}

/** What lies in `charts/`, by name; a packaged chart is its one file `''`. Helm's rule: `_…`, `.…` and lone files do not count. */
function subchartFolders(files: Files): ReadonlyMap<string, Files> {
  const folders = new Map<string, Map<string, Buffer>>()
  for (const [path, content] of files) {
    const [, name, rest] = /^charts\/([^_./][^/]*)(?:\/(.*))?$/s.exec(path) ?? []
    if (name === undefined || (rest === undefined && !name.endsWith('.tgz'))) continue
    const folder = folders.get(name) ?? new Map<string, Buffer>()
    folders.set(name, folder.set(rest ?? '', content))
  }
  return folders
}
