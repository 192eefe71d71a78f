import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidChart } from './faults.ts'
import { type Ignore, readIgnore } from './ignore.ts'
import { Budget } from './limits.ts'
import { readMetadata } from './metadata.ts'
import { notPlain, readChartFile } from './plain-file.ts'
import { packFiles } from './tar-writer.ts'

/** The files of a chart folder by their path in it, without what its `.helmignore` names. Throws `chart_invalid`. */
export async function chartFiles(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const ignore = readIgnore(await readChartFile(join(folder, '.helmignore')).then(String, () => ''))
  const files = new Map<string, Buffer>()
  await collect({ folder, ignore, files, budget: new Budget() }, '')
  return files
}

/** Packages a chart folder: the same content gives the same bytes. Throws `chart_invalid`. */
export async function packFolder(folder: string): Promise<Buffer> {
  const files = await chartFiles(folder)
  const chartYaml = files.get('Chart.yaml')
  if (chartYaml === undefined) throw invalidChart('chart_yaml', 'Chart.yaml is missing')
  return packFiles(readMetadata('Chart.yaml', chartYaml.toString('utf8'), null).name, files)
}

type Walk = {
  readonly folder: string
  readonly ignore: Ignore
  readonly files: Map<string, Buffer>
  readonly budget: Budget
}

async function collect(walk: Walk, below: string): Promise<void> {
  const names = await readdir(join(walk.folder, below))
  for (const name of names.sort()) await collectOne(walk, below === '' ? name : `${below}/${name}`)
}

async function collectOne(walk: Walk, path: string): Promise<void> {
  const { folder, ignore, files, budget } = walk
  const stat = await lstat(join(folder, path))
  if (ignore(path, stat.isDirectory())) return
  if (stat.isDirectory()) return collect(walk, path)
  if (!stat.isFile()) throw notPlain(path)
  budget.spend(path, stat.size)
  files.set(path, await readChartFile(join(folder, path)))
}
