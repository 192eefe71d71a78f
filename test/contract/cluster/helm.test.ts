import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chart } from './support/chart.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { paths } from './support/objects.ts'
import { Tools } from './support/tools.ts'
import { eventually } from './support/wait.ts'

let cluster: ClusterUnderTest
let tools: Tools
let folder: string
let namespace: string
beforeAll(async () => {
  cluster = await startCluster()
  tools = new Tools(cluster.kubeconfig)
  folder = tools.folder(chart)
  namespace = await freshNamespace(cluster)
})
afterAll(async () => {
  tools.remove()
  await cluster.stop()
})

/** Waiting for workloads and hooks needs controllers, and pods that become ready. */
const withControllers = describe.skipIf(process.env.CONTRACT_API_ONLY !== undefined)

/** Runs helm in the namespace and expects it to succeed. */
async function helm(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tools.helm(...args, '--namespace', namespace)
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  return stdout
}

const revisions = async (release: string): Promise<string[]> => {
  const history = JSON.parse(await helm('history', release, '-o', 'json')) as { revision: number; status: string }[]
  return history.map((each) => `${each.revision} ${each.status}`)
}

describe('helm without waiting', () => {
  it('installs, upgrades, rolls back and uninstalls', async () => {
    await helm('install', 'life', folder, '--wait=hookOnly')
    const config = async () => (await cluster.client.get(`${paths(namespace).configmaps}/life`)).body.data
    expect(await config()).toEqual({ message: 'first', namespace })
    await helm('upgrade', 'life', folder, '--wait=hookOnly', '--set', 'message=second')
    expect((await config())?.message).toBe('second')
    await helm('rollback', 'life', '1', '--wait=hookOnly')
    expect((await config())?.message).toBe('first')
    expect(await revisions('life')).toEqual(['1 superseded', '2 superseded', '3 deployed'])
    await helm('uninstall', 'life', '--wait=hookOnly')
    expect((await cluster.client.get(`${paths(namespace).configmaps}/life`)).status).toBe(404)
    const records = await cluster.client.get(`${paths(namespace).secrets}?labelSelector=name%3Dlife`)
    expect(records.body.items).toEqual([])
  })

  it('keeps its records as Secrets with labels that select', async () => {
    await helm('install', 'kept', folder, '--wait=hookOnly', '--labels', 'flotilla.dev/operation=abc')
    await helm('upgrade', 'kept', folder, '--wait=hookOnly', '--labels', 'flotilla.dev/operation=def')
    const query = 'labelSelector=owner%3Dhelm,name%3Dkept,status!%3Dsuperseded'
    const { body } = await cluster.client.get(`${paths(namespace).secrets}?${query}`)
    expect(body.items.map((each) => each.metadata.name)).toEqual(['sh.helm.release.v1.kept.v2'])
    expect(body.items[0]).toMatchObject({
      type: 'helm.sh/release.v1',
      metadata: { labels: { owner: 'helm', status: 'deployed', version: '2', 'flotilla.dev/operation': 'def' } },
    })
  })

  it('fails with a conflict after somebody scaled, until it is forced', async () => {
    await helm('install', 'scaled', folder, '--wait=hookOnly')
    const scale = `${paths(namespace).deployments}/scaled/scale?fieldManager=kubectl`
    await cluster.client.patch(scale, 'merge', { spec: { replicas: 3 } })
    const args = ['upgrade', 'scaled', folder, '--wait=hookOnly', '--set', 'replicas=2', '--namespace', namespace]
    const refused = await tools.helm(...args)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    )
    await helm('upgrade', 'scaled', folder, '--wait=hookOnly', '--set', 'replicas=2', '--force-conflicts')
    const { body } = await cluster.client.get(`${paths(namespace).deployments}/scaled`)
    expect(body.spec?.replicas).toBe(2)
  })

  it('rehearses on the server', async () => {
    const shown = await helm('install', 'rehearsed', folder, '--dry-run=server')
    expect(shown).toContain(`namespace: "${namespace}"`)
    const { body } = await cluster.client.get(`${paths(namespace).secrets}?labelSelector=name%3Drehearsed`)
    expect(body.items).toEqual([])
  })

  it('refuses a chart with a field that does not exist', async () => {
    const wrong = tools.folder({
      'Chart.yaml': chart['Chart.yaml'] ?? '',
      'templates/wrong.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ndat: {a: b}\n',
    })
    const args = [
      'install',
      'wrong',
      wrong,
      '--wait=hookOnly',
      '--disable-openapi-validation',
      '--namespace',
      namespace,
    ]
    const { code, stderr } = await tools.helm(...args)
    expect(code).toBe(1)
    expect(stderr).toContain('.dat: field not declared in schema')
  })

  it('is stopped by a release that is too large for a Secret', async () => {
    const random = tools.folder({ ...chart, 'files/random.txt': randomText(1_600_000) })
    const { code, stderr } = await tools.helm('install', 'large', random, '--wait=hookOnly', '--namespace', namespace)
    expect(code).toBe(1)
    expect(stderr).toContain('Too long: may not be more than 1048576 bytes')
  })
})

withControllers('helm that waits', () => {
  it('waits for workloads and for hooks', async () => {
    await helm('install', 'waited', folder, '--wait=watcher', '--timeout', '50s', '--set', 'hook=true')
    const path = `${paths(namespace).deployments}/waited`
    expect((await cluster.client.get(path)).body.status).toMatchObject({ readyReplicas: 1 })
    expect((await cluster.client.get(`${paths(namespace).jobs}/waited-hook`)).status).toBe(404)
    const set = ['--set', 'hook=true,image=nginx:2,replicas=2']
    await helm('upgrade', 'waited', folder, '--wait=watcher', '--timeout', '50s', ...set)
    expect((await cluster.client.get(path)).body.status).toMatchObject({ readyReplicas: 2, updatedReplicas: 2 })
    await helm('rollback', 'waited', '1', '--wait=watcher', '--timeout', '50s')
    await helm('uninstall', 'waited', '--wait=watcher', '--timeout', '50s')
    await eventually(async () => {
      const { body } = await cluster.client.get(`${paths(namespace).pods}?labelSelector=app%3Dwaited`)
      expect(body.items).toEqual([])
    })
  })
})

/** Text that does not compress, the same in every run. */
function randomText(length: number): string {
  let state = 1
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return String.fromCharCode(33 + ((state >>> 16) % 90))
  }).join('')
}
