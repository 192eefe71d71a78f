import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { handFlags, testedDialect } from '../../support/tested-helm.ts'
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
    await helm('install', 'life', folder, ...handFlags.hooksOnly)
    const config = async () => (await cluster.client.get(`${paths(namespace).configmaps}/life`)).body.data
    expect(await config()).toEqual({ message: 'first', namespace })
    await helm('upgrade', 'life', folder, ...handFlags.hooksOnly, '--set', 'message=second')
    expect((await config())?.message).toBe('second')
    await helm('rollback', 'life', '1', ...handFlags.hooksOnly)
    expect((await config())?.message).toBe('first')
    expect(await revisions('life')).toEqual(['1 superseded', '2 superseded', '3 deployed'])
    await helm('uninstall', 'life', ...handFlags.hooksOnly)
    expect((await cluster.client.get(`${paths(namespace).configmaps}/life`)).status).toBe(404)
    const records = await cluster.client.get(`${paths(namespace).secrets}?labelSelector=name%3Dlife`)
    expect(records.body.items).toEqual([])
  })

  it('installs and upgrades what a chart keeps in a List', async () => {
    await helm('install', 'listing', folder, ...handFlags.hooksOnly, '--set', 'listed=true')
    await helm('upgrade', 'listing', folder, ...handFlags.hooksOnly, '--set', 'listed=true,message=second')
    expect((await cluster.client.get(`${paths(namespace).configmaps}/listing-one`)).body.data).toEqual({ a: '1' })
    await helm('uninstall', 'listing', ...handFlags.hooksOnly)
    expect((await cluster.client.get(`${paths(namespace).configmaps}/listing-one`)).status).toBe(404)
  })

  it('keeps its records as Secrets with labels that select', async () => {
    await helm('install', 'kept', folder, ...handFlags.hooksOnly, '--labels', 'flotilla.dev/operation=abc')
    await helm('upgrade', 'kept', folder, ...handFlags.hooksOnly, '--labels', 'flotilla.dev/operation=def')
    const query = 'labelSelector=owner%3Dhelm,name%3Dkept,status!%3Dsuperseded'
    const { body } = await cluster.client.get(`${paths(namespace).secrets}?${query}`)
    expect(body.items.map((each) => each.metadata.name)).toEqual(['sh.helm.release.v1.kept.v2'])
    expect(body.items[0]).toMatchObject({
      type: 'helm.sh/release.v1',
      metadata: { labels: { owner: 'helm', status: 'deployed', version: '2', 'flotilla.dev/operation': 'def' } },
    })
  })

  /** 3.17 patches from its own last manifest and never meets the other manager. */
  async function expectRefused(): Promise<void> {
    const args = ['upgrade', 'scaled', folder, ...handFlags.hooksOnly, '--set', 'replicas=2', '--namespace', namespace]
    const refused = await tools.helm(...args)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    )
  }

  it('fails with a conflict after somebody scaled, until it is forced', async () => {
    await helm('install', 'scaled', folder, ...handFlags.hooksOnly)
    const scale = `${paths(namespace).deployments}/scaled/scale?fieldManager=kubectl`
    await cluster.client.patch(scale, 'merge', { spec: { replicas: 3 } })
    if (testedDialect === 'v4') await expectRefused()
    await helm('upgrade', 'scaled', folder, ...handFlags.hooksOnly, '--set', 'replicas=2', ...handFlags.force)
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
      ...handFlags.hooksOnly,
      '--disable-openapi-validation',
      '--namespace',
      namespace,
    ]
    const { code, stderr } = await tools.helm(...args)
    // 3.17 asks the server for no validation then, and the field is dropped.
    const expected =
      testedDialect === 'v4' ? [1, expect.stringContaining('.dat: field not declared in schema')] : [0, '']
    expect([code, stderr]).toEqual(expected)
  })

  it('is stopped by a release that is too large for a Secret', async () => {
    const random = tools.folder({ ...chart, 'files/random.txt': randomText(1_600_000) })
    const { code, stderr } = await tools.helm(
      'install',
      'large',
      random,
      ...handFlags.hooksOnly,
      '--namespace',
      namespace,
    )
    expect(code).toBe(1)
    expect(stderr).toContain('Too long: may not be more than 1048576 bytes')
  })
})

withControllers('helm that waits', () => {
  it('waits for workloads and for hooks', async () => {
    await helm('install', 'waited', folder, ...handFlags.wait, '--timeout', '50s', '--set', 'hook=true')
    const path = `${paths(namespace).deployments}/waited`
    expect((await cluster.client.get(path)).body.status).toMatchObject({ readyReplicas: 1 })
    expect((await cluster.client.get(`${paths(namespace).jobs}/waited-hook`)).status).toBe(404)
    const set = ['--set', 'hook=true,image=nginx:2,replicas=2']
    await helm('upgrade', 'waited', folder, ...handFlags.wait, '--timeout', '50s', ...set)
    expect((await cluster.client.get(path)).body.status).toMatchObject({ readyReplicas: 2, updatedReplicas: 2 })
    await helm('rollback', 'waited', '1', ...handFlags.wait, '--timeout', '50s')
    await helm('uninstall', 'waited', ...handFlags.wait, '--timeout', '50s')
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
