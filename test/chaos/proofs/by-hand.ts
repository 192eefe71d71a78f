import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Hand } from '../../scenarios/support/hand.ts'
import type { ShownRelease } from './agreement.ts'

const run = promisify(execFile)

/** What a chart might say of the very fields that gates change: a gate that kept one of them would be in its way. */
const said: Readonly<Record<string, string>> = {
  'deployment.yaml': [
    ...['  paused: false', '  minReadySeconds: 1', '  progressDeadlineSeconds: 601'],
    ...['  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }'],
  ].join('\n'),
  'statefulset.yaml': '  updateStrategy: { type: RollingUpdate, rollingUpdate: { partition: 1 } }',
  'daemonset.yaml': '  updateStrategy: { type: OnDelete }',
}

/** A helm upgrade by hand of each release that is not frozen meets no conflict, whatever fields its chart sets. */
export async function proveByHand(
  { home, kubeconfig }: { readonly home: string; readonly kubeconfig: string },
  releases: readonly ShownRelease[],
): Promise<readonly string[]> {
  const hand = new Hand(kubeconfig)
  try {
    const wrong: string[] = []
    for (const { releaseName, namespace, chartName, chartVersion } of releases) {
      const chart = await outspoken(home, `${chartName}-${chartVersion}`, chartName)
      const set = ['--reuse-values', '--set', 'image.tag=by-hand']
      const { code, stderr } = await hand.tryHelm('upgrade', releaseName, chart, '-n', namespace, ...set)
      if (code !== 0) wrong.push(`${namespace}/${releaseName} takes no helm upgrade by hand: ${stderr.trim()}`)
    }
    return wrong
  } finally {
    hand.remove()
  }
}

/** The chart, with its workload saying all of it. */
async function outspoken(home: string, file: string, chart: string): Promise<string> {
  const into = join(home, 'by-hand', file)
  await mkdir(into, { recursive: true })
  await run('tar', ['-xzf', join(home, 'charts', `${file}.tgz`), '-C', into])
  for (const [template, fields] of Object.entries(said)) {
    const path = join(into, chart, 'templates', template)
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text !== null) await writeFile(path, text.replace(/^spec:$/m, `spec:\n${fields}`))
  }
  return join(into, chart)
}
