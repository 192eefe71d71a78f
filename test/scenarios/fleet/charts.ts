import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packFiles } from '../../../src/charts/archive/tar-writer.ts'

/** In an order that only semver knows: as text 1.10.0 comes before 1.2.0 and 2.0.0 before 2.0.0-rc.1. */
export const smallVersions = ['1.2.0', '1.9.0', '1.10.0', '2.0.0-rc.1', '2.0.0'] as const

const config = `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { color: {{ .Values.color | quote }}, version: {{ .Chart.Version | quote }} }
`

/** Exists in one version only, so that an upgrade to it waits until its time is over. */
const stuck = `{{- if eq .Values.stuckAt .Chart.Version }}
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec: { containers: [{ name: app, image: "app:never-ready" }] }
{{- end }}
`

/** Does not render in one version. */
const broken = `{{- if eq .Values.brokenAt .Chart.Version }}{{ fail "broken as asked" }}{{ end }}\n`
const values = 'color: grey\nstuckAt: ""\nbrokenAt: ""\n'

/** Writes the charts of the fleet's tests into a folder source: `small` in every version, `other` in one. */
export async function writeCharts(folder: string): Promise<void> {
  for (const version of smallVersions) await writeChart(folder, 'small', version)
  await writeChart(folder, 'other', '1.0.0')
}

async function writeChart(folder: string, name: string, version: string): Promise<void> {
  const files = {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\nappVersion: "7"\n`,
    'values.yaml': values,
    'templates/config.yaml': config,
    'templates/stuck.yaml': stuck,
    'templates/broken.yaml': broken,
  }
  const bytes = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))
  await writeFile(join(folder, `${name}-${version}.tgz`), packFiles(name, bytes))
}
