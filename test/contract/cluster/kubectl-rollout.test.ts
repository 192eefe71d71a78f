import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, deployment } from './support/objects.ts'
import { kubectlIn, Tools } from './support/tools.ts'

let cluster: ClusterUnderTest
let tools: Tools
let kubectl: ReturnType<typeof kubectlIn>
beforeAll(async () => {
  cluster = await startCluster()
  tools = new Tools(cluster.kubeconfig)
  kubectl = kubectlIn(tools, await freshNamespace(cluster))
})
afterAll(async () => {
  tools.remove()
  await cluster.stop()
})

const withControllers = describe.skipIf(process.env.CONTRACT_API_ONLY !== undefined)

const settled = (what: string): Promise<string> => kubectl('rollout', 'status', what, '--timeout=50s')
const imageOf = (what: string): Promise<string> =>
  kubectl('get', what, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
const revisions = async (what: string): Promise<string[]> =>
  (await kubectl('rollout', 'history', what)).split('\n').flatMap((line) => /^\d+/.exec(line) ?? [])
const replicaSets = async (app: string): Promise<string[]> =>
  (await kubectl('get', 'rs', '-l', `app=${app}`, '-o', 'name')).trim().split('\n').sort()

withControllers('kubectl rollout', () => {
  it('goes back to the ReplicaSet that was there, which becomes the newest revision', async () => {
    await kubectl('create', 'deployment', 'back', '--image=nginx:1')
    await settled('deploy/back')
    await kubectl('set', 'image', 'deploy/back', 'nginx=nginx:2')
    await settled('deploy/back')
    const before = await replicaSets('back')
    expect(await kubectl('rollout', 'undo', 'deploy/back')).toContain('rolled back')
    await settled('deploy/back')
    expect(await imageOf('deploy/back')).toBe('nginx:1')
    expect(await replicaSets('back')).toEqual(before)
    expect(await revisions('deploy/back')).toEqual(['2', '3'])
    expect(await kubectl('rollout', 'undo', 'deploy/back', '--to-revision=2')).toContain('rolled back')
    expect(await imageOf('deploy/back')).toBe('nginx:2')
  })

  it('goes back also where the manifest spells out what is so anyway', async () => {
    const plain = { stdin: false, tty: false, volumeMounts: [] }
    const object = deployment('spelt', {}, plain)
    object.spec.template.spec = { ...object.spec.template.spec, ...{ hostNetwork: false, serviceAccountName: '' } }
    await kubectl('apply', '--server-side', '-f', tools.file(object))
    await settled('deploy/spelt')
    await kubectl('set', 'image', 'deploy/spelt', 'web=nginx:2')
    await settled('deploy/spelt')
    const before = await replicaSets('spelt')
    await kubectl('rollout', 'undo', 'deploy/spelt')
    await settled('deploy/spelt')
    expect(await replicaSets('spelt')).toEqual(before)
    expect(await kubectl('get', 'deploy/spelt', '-o', 'jsonpath={.spec.template.spec.hostNetwork}')).toBe('')
  })

  it('pauses, resumes and says when either is so already', async () => {
    await kubectl('create', 'deployment', 'held', '--image=nginx:1')
    await settled('deploy/held')
    expect(await kubectl('rollout', 'pause', 'deploy/held')).toContain('paused')
    expect(await kubectl.refused('rollout', 'pause', 'deploy/held')).toContain('already paused')
    await kubectl('set', 'image', 'deploy/held', 'nginx=nginx:2')
    const generation = await kubectl('get', 'deploy/held', '-o', 'jsonpath={.metadata.generation}')
    await kubectl('wait', `--for=jsonpath={.status.observedGeneration}=${generation}`, 'deploy/held', '--timeout=50s')
    expect(await replicaSets('held')).toHaveLength(1)
    expect(await kubectl('rollout', 'resume', 'deploy/held')).toContain('resumed')
    expect(await settled('deploy/held')).toContain('successfully rolled out')
    expect(await replicaSets('held')).toHaveLength(2)
    await kubectl('rollout', 'pause', 'deploy/held')
    expect(await kubectl.refused('rollout', 'undo', 'deploy/held')).toContain('cannot rollback a paused deployment')
  })

  it('restarts every kind of workload, and tells of each revision', async () => {
    const workload = (kind: string, name: string, spec: object = {}) => {
      const labels = { app: name }
      const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1' }] } }
      const whole = { selector: { matchLabels: labels }, template, ...spec }
      return { apiVersion: 'apps/v1', kind, metadata: { name }, spec: whole }
    }
    await kubectl('apply', '-f', tools.file(workload('StatefulSet', 'rows', { serviceName: 'rows', replicas: 2 })))
    await kubectl('apply', '-f', tools.file(workload('DaemonSet', 'many')))
    for (const what of ['sts/rows', 'ds/many']) {
      await settled(what)
      expect(await kubectl('rollout', 'restart', what)).toContain('restarted')
      await settled(what)
      expect(await revisions(what)).toEqual(['1', '2'])
      expect(await kubectl('rollout', 'undo', what)).toContain('rolled back')
      await settled(what)
      expect(await revisions(what)).toEqual(['2', '3'])
    }
    const generation = await kubectl('get', 'ds/many', '-o', 'jsonpath={.metadata.annotations}')
    expect(JSON.parse(generation)).toMatchObject({ 'deprecated.daemonset.template.generation': '3' })
  })

  it('shows the cause of a change and the template of a revision', async () => {
    await kubectl('create', 'deployment', 'told', '--image=nginx:1')
    await kubectl('annotate', 'deploy/told', 'kubernetes.io/change-cause=first')
    await settled('deploy/told')
    const told = () => kubectl('rollout', 'history', 'deploy/told')
    await expect.poll(told, { timeout: 20_000 }).toMatch(/^1 +first$/m)
    expect(await kubectl('rollout', 'history', 'deploy/told', '--revision=1')).toContain('nginx:1')
    expect(await kubectl.refused('rollout', 'undo', 'deploy/told', '--to-revision=9')).toContain('revision 9')
  })

  it('scales what has the asked size only, one or several', async () => {
    await kubectl('create', 'deployment', 'sized', '--image=nginx:1')
    expect(await kubectl.refused('scale', 'deploy/sized', '--current-replicas=7', '--replicas=2')).toContain('was 1')
    expect(await kubectl('scale', 'deploy/sized', '--current-replicas=1', '--replicas=2')).toContain('scaled')
    const ready = '--for=jsonpath={.status.readyReplicas}=2'
    expect(await kubectl('wait', 'deploy/sized', ready, '--timeout=50s')).toContain('condition met')
    await kubectl('patch', 'deploy/sized', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":1}}')
    expect(await kubectl('get', 'deploy/sized', '--subresource=scale')).toMatch(
      /^NAME\s+DESIRED\s+AVAILABLE\s+AGE\nsized\s+1\s+\d\s/,
    )
  })
})

describe('kubectl diff', () => {
  it('says nothing of what is so, and shows what would change', async () => {
    const file = tools.file(configMap('compared', { a: '1' }))
    await kubectl('apply', '-f', file)
    expect(await kubectl('diff', '-f', file)).toBe('')
    const { code, stdout } = await kubectl.raw('diff', '-f', tools.file(configMap('compared', { a: '2' })))
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^-\s+a: "1"\n\+\s+a: "2"$/m)])
    expect(await kubectl('get', 'cm', 'compared', '-o', 'jsonpath={.data.a}')).toBe('1')
  })
})
