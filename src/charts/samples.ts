import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { chartFiles } from './archive/folder.ts'
import { packFiles } from './archive/tar-writer.ts'

const versionsFile = z.record(z.string(), z.record(z.string(), z.json()))

/** A packaged sample chart and the name of its file in a folder source. */
export type SampleChart = { readonly file: string; readonly archive: Buffer }

/**
 * Packages the sample charts of a folder (its README says how it is laid out): every chart in every version of
 * `versions.yaml`, with the shared templates. The same bytes every time.
 */
export async function packSamples(folder: string): Promise<readonly SampleChart[]> {
  const versions = versionsFile.parse(parse(await readFile(join(folder, 'versions.yaml'), 'utf8')))
  const shared = await chartFiles(join(folder, 'shared'))
  const charts = await sampleNames(folder)
  const packed = await Promise.all(
    charts.map(async (name) => {
      const files = new Map([...(await chartFiles(join(folder, name))), ...inTemplates(shared)])
      return Object.entries(versions).map(([version, says]) => packVersion(name, files, { ...says, version }))
    }),
  )
  return packed.flat()
}

async function sampleNames(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && entry.name !== 'shared').map(({ name }) => name)
}

const inTemplates = (files: ReadonlyMap<string, Buffer>): readonly (readonly [string, Buffer])[] =>
  [...files].map(([path, content]) => [`templates/${path}`, content])

function packVersion(
  name: string,
  files: ReadonlyMap<string, Buffer>,
  says: { readonly version: string },
): SampleChart {
  const chartYaml = { ...parse(files.get('Chart.yaml')?.toString('utf8') ?? ''), ...says }
  const complete = new Map([...files, ['Chart.yaml', Buffer.from(stringify(chartYaml))]])
  return { file: `${name}-${says.version}.tgz`, archive: packFiles(name, complete) }
}

/** Writes the packaged samples into a folder, which is then a folder source. Files are replaced whole. */
export async function writeSamples(from: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true })
  for (const { file, archive } of await packSamples(from)) {
    const partial = join(into, `.${file}.${process.pid}`)
    await writeFile(partial, archive)
    await rename(partial, join(into, file))
  }
}
