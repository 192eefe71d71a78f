import { cp, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'

const templates = join(import.meta.dirname, '..', 'charts')

/** Every test chart has these versions; they differ in nothing but their numbers. */
export const chartVersions = { '1.0.0': '2.0.0', '1.1.0': '2.1.0', '1.2.0': '2.2.0' } as const

/** Makes a folder with every version of every chart of `test/scenarios/charts`. The caller removes it. */
export async function writeCharts(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-charts-'))
  for (const name of await readdir(templates)) {
    for (const [version, appVersion] of Object.entries(chartVersions)) {
      const place = join(folder, name, version)
      await mkdir(place, { recursive: true })
      await cp(join(templates, name), place, { recursive: true })
      await writeFile(join(place, 'Chart.yaml'), stringify({ apiVersion: 'v2', name, version, appVersion }))
    }
  }
  return folder
}
