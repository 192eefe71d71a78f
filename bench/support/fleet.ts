import { execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Flotilla } from '../../test/scenarios/support/flotilla.ts'
import { atOnce, call } from './api.ts'

/** The tools of bare helm: everything that the same upgrades need without Flotilla. */
export type Bare = { readonly helm: string; readonly kubeconfig: string; readonly folder: string }

const chartName = 'bench'
export const versionOf = (round: number): string => `1.${round}.0`
const archive = (folder: string, round: number) => join(folder, `${chartName}-${versionOf(round)}.tgz`)
const fleet = (count: number) => Array.from({ length: count }, (_, n) => `bench-${n}`)

const configMap = `apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { chart: {{ .Chart.Version | quote }}, greeting: {{ .Values.greeting | quote }} }
`

/** Packages as many versions of a chart with one ConfigMap as there are rounds, and the one to begin with. */
export function packageCharts(folder: string, rounds: number, helm: string): void {
  const source = join(folder, 'source')
  mkdirSync(join(source, 'templates'), { recursive: true })
  writeFileSync(join(source, 'Chart.yaml'), `apiVersion: v2\nname: ${chartName}\nversion: 1.0.0\n`)
  writeFileSync(join(source, 'values.yaml'), 'greeting: hello\n')
  writeFileSync(join(source, 'templates', 'configmap.yaml'), configMap)
  for (let round = 0; round <= rounds; round++)
    execFileSync(helm, ['package', source, '--version', versionOf(round), '-d', folder], { stdio: 'ignore' })
}

/** Installs the fleet through the API. */
export async function installFleet(flotilla: Flotilla, folder: string, count: number): Promise<void> {
  const tenantId = '00000000-0000-4000-8000-00000000be7c'
  await call(flotilla, 'POST', '/chart-sources', { name: 'bench', type: 'folder', url: folder })
  await call(flotilla, 'POST', '/tenants', { id: tenantId, name: 'bench', namespaces: ['bench'] })
  const place = { tenantId, namespace: 'bench', chartName, chartVersion: versionOf(0), wait: false }
  const install = (releaseName: string) => call(flotilla, 'POST', '/helm/releases', { ...place, releaseName })
  const [first, ...rest] = fleet(count)
  if (first !== undefined) await install(first)
  await atOnce(4, rest, install)
}

type BatchAnswer = { readonly upgraded: readonly unknown[]; readonly failed: readonly unknown[] }

/** One batch upgrade of the fleet. Throws unless every release was upgraded. */
export async function upgradeFleet(flotilla: Flotilla, round: number, count: number): Promise<void> {
  const path = `/helm/releases/chart/${chartName}/batch-upgrade?targetVersion=${versionOf(round)}&concurrency=4`
  const { upgraded, failed } = await call<BatchAnswer>(flotilla, 'POST', path, { wait: false })
  if (upgraded.length !== count) throw new Error(`${upgraded.length} of ${count} upgraded: ${JSON.stringify(failed)}`)
}

/** The same with helm alone, in a namespace that Flotilla does not look after, `workers` at once. */
export function bareHelm(bare: Bare, round: number, count: number, workers: number): Promise<void> {
  const names = fleet(count)
  const verb = round === 0 ? ['install', '--create-namespace'] : ['upgrade']
  const command = [bare.helm, ...verb, '{}', archive(bare.folder, round), '--namespace', 'bare']
  const env = { PATH: process.env.PATH ?? '', KUBECONFIG: bare.kubeconfig, HOME: bare.folder }
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = ['pipe', 'ignore', 'inherit']
    const xargs = spawn('xargs', [`-P${workers}`, '-I{}', ...command], { env, stdio })
    xargs.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`xargs ended with ${code}`))))
    xargs.stdin?.end(names.join('\n'))
  })
}
