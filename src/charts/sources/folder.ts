import { access, readdir, realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import semver from 'semver'
import { packFolder } from '../archive/folder.ts'
import { readMetadata } from '../archive/metadata.ts'
import { readChartFile, readPackedFile } from '../archive/plain-file.ts'
import type { SignedSource, SourceRecord } from '../types.ts'
import { offerFrom } from './find.ts'
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
  const requireBelow = async (path: string): Promise<void> => {
    if (!(await isBelow(path, roots).catch(() => false)))
      throw new Error(`${basename(path)} leads to nothing below CHART_FOLDERS`)
  }
  const versions = (name: string) =>
    inFolder(async () =>
      (await locate(record.url, name)).map(({ version }) => ({ version, appVersion: null, digest: null })),
    )
  return {
    id: record.id,
    name: record.name,
    names: () => inFolder(() => chartNames(record.url)),
    versions,
    offer: offerFrom(versions),
    fetch: (name, version) =>
      inFolder(async () => {
        const found = (await locate(record.url, name)).find((known) => known.version === version)
        if (found === undefined) throw new Error(`it no longer has ${name} ${version}`)
        await requireBelow(found.path)
        return found.packed ? readPackedFile(found.path) : packFolder(found.path)
      }),
    provenance: (name, version) =>
      inFolder(async () => {
        const found = (await locate(record.url, name)).find((known) => known.version === version && known.packed)
        return found === undefined ? null : readChartFile(`${found.path}.prov`).catch(nullIfAbsent)
      }),
  }
}

function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

async function chartNames(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  const packed = entries.flatMap(({ name }) => packedName(name)?.name ?? [])
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const charts = await Promise.all(folders.map(async (name) => ((await locate(root, name)).length > 0 ? [name] : [])))
  return [...new Set([...packed, ...charts.flat()])]
}

async function locate(root: string, name: string): Promise<readonly Located[]> {
  const entries = await readdir(root)
  const packed = entries.flatMap((file): Located[] => {
    const found = packedName(file)
    return found?.name === name ? [{ version: found.version, path: join(root, file), packed: true }] : []
  })
  return [...packed, ...(entries.includes(name) ? await locateFolders(join(root, name)) : [])]
}

async function locateFolders(folder: string): Promise<readonly Located[]> {
  const chartYaml = await readChartFile(join(folder, 'Chart.yaml')).then(String, () => null)
  if (chartYaml !== null) {
    return [{ version: readMetadata('Chart.yaml', chartYaml, null).version, path: folder, packed: false }]
  }
  const inside = await readdir(folder).catch(() => [])
  const candidates = inside.filter((name) => semver.valid(name) !== null)
  const present = await Promise.all(candidates.map((version) => exists(join(folder, version, 'Chart.yaml'))))
  return candidates
    .filter((_, i) => present[i])
    .map((version) => ({ version, path: join(folder, version), packed: false }))
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

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
