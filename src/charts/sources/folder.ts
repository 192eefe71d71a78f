import { readdir, realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import semver from 'semver'
import { packFolder } from '../archive/folder.ts'
import { chartLimits, packedTooLarge } from '../archive/limits.ts'
import { readMetadata } from '../archive/metadata.ts'
import { readChartFile, readPlainFile } from '../archive/plain-file.ts'
import type { SignedSource, SourceRecord } from '../types.ts'
import { offerFrom } from './find.ts'
import { provenanceBytes } from './http.ts'
import { named } from './source-down.ts'

type Located = { readonly version: string; readonly path: string; readonly packed: boolean }

/** True when a folder, links followed, is one of the roots (`CHART_FOLDERS`) or lies below one. */
export async function isBelow(folder: string, roots: readonly string[]): Promise<boolean> {
  const real = await realpath(folder)
  const allowed = await Promise.all(roots.map((root) => realpath(root).catch(() => null)))
  return allowed.some((root) => root !== null && (real === root || real.startsWith(root + sep)))
}

/**
 * Charts in a folder of the server: `NAME/Chart.yaml`, `NAME/VERSION/Chart.yaml` and `NAME-VERSION.tgz`, side by side.
 * Folders are packaged when they are asked for, always to the same bytes.
 */
export function folderSource(record: SourceRecord, roots: readonly string[]): SignedSource {
  const inFolder = <T>(work: () => Promise<T>): Promise<T> =>
    named(record.name, async () => {
      if (!(await isBelow(record.url, roots))) throw new Error('its folder does not lie below CHART_FOLDERS')
      return work()
    })
  const isThere: IsThere = (path) => isBelow(path, roots).catch(() => false)
  const located = (name: string) => locate(record.url, name, isThere)
  const requireThere = async (path: string): Promise<void> => {
    if (!(await isThere(path))) throw new Error(`${basename(path)} leads to nothing below CHART_FOLDERS`)
  }
  const versions = (name: string) =>
    inFolder(async () => (await located(name)).map(({ version }) => ({ version, appVersion: null, digest: null })))
  return {
    id: record.id,
    name: record.name,
    names: () => inFolder(() => chartNames(record.url, isThere)),
    versions,
    offer: offerFrom(versions),
    fetch: (name, version) =>
      inFolder(async () => {
        const found = (await located(name)).find((known) => known.version === version)
        if (found === undefined) throw new Error(`it no longer has ${name} ${version}`)
        await requireThere(found.path)
        return found.packed ? readPlainFile(found.path, packedLimit) : packFolder(found.path)
      }),
    provenance: (name, version) =>
      inFolder(async () => {
        const found = (await located(name)).find((known) => known.version === version && known.packed)
        if (found === undefined || !(await isThere(`${found.path}.prov`))) return null
        return readPlainFile(`${found.path}.prov`, provenanceLimit)
      }),
  }
}

const packedLimit = { most: chartLimits.packedBytes, tooLarge: packedTooLarge }
const provenanceLimit = {
  most: provenanceBytes,
  tooLarge: (name: string) => new Error(`${name} has more than ${provenanceBytes} bytes`),
}

/** Whether something is there, links followed, and below the folders that are allowed. */
type IsThere = (path: string) => Promise<boolean>

async function chartNames(root: string, isThere: IsThere): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  const packed = entries.flatMap(({ name }) => packedName(name)?.name ?? [])
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const charts = await Promise.all(
    folders.map(async (name) => ((await locate(root, name, isThere)).length > 0 ? [name] : [])),
  )
  return [...new Set([...packed, ...charts.flat()])]
}

async function locate(root: string, name: string, isThere: IsThere): Promise<readonly Located[]> {
  const entries = await readdir(root)
  const packed = entries.flatMap((file): Located[] => {
    const found = packedName(file)
    return found?.name === name ? [{ version: found.version, path: join(root, file), packed: true }] : []
  })
  const folder = join(root, name)
  const hasFolder = entries.includes(name) && (await isThere(folder))
  return [...packed, ...(hasFolder ? await locateFolders(folder, isThere) : [])]
}

async function locateFolders(folder: string, isThere: IsThere): Promise<readonly Located[]> {
  const chartYaml = await readChartFile(join(folder, 'Chart.yaml')).then(String, () => null)
  if (chartYaml !== null) {
    return [{ version: readMetadata('Chart.yaml', chartYaml, null).version, path: folder, packed: false }]
  }
  const inside = await readdir(folder).catch(() => [])
  const candidates = inside.filter((name) => semver.valid(name) !== null)
  const present = await Promise.all(candidates.map((version) => isThere(join(folder, version, 'Chart.yaml'))))
  return candidates
    .filter((_, i) => present[i])
    .map((version) => ({ version, path: join(folder, version), packed: false }))
}

/** Takes `NAME-VERSION.tgz` apart: the version begins at the first dash that leaves a semantic version. */
export function packedName(file: string): { readonly name: string; readonly version: string } | null {
  if (!file.endsWith('.tgz')) return null
  const stem = file.slice(0, -'.tgz'.length)
  for (let dash = stem.indexOf('-'); dash > 0; dash = stem.indexOf('-', dash + 1)) {
    const version = stem.slice(dash + 1)
    if (semver.valid(version) !== null) return { name: stem.slice(0, dash), version }
  }
  return null
}
