import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { podsAnswer } from '../../support/cluster.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, deployment } from './support/objects.ts'
import { Tools } from './support/tools.ts'

let cluster: ClusterUnderTest
let tools: Tools
let namespace: string
beforeAll(async () => {
  cluster = await startCluster()
  tools = new Tools(cluster.kubeconfig)
  namespace = await freshNamespace(cluster)
})
afterAll(async () => {
  tools.remove()
  await cluster.stop()
})

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tools.kubectl(...args, '--namespace', namespace)
  expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
  return stdout
}

const file = (object: object): string => `${tools.folder({ 'object.json': JSON.stringify(object) })}/object.json`
const withControllers = describe.skipIf(process.env.CONTRACT_API_ONLY !== undefined)

describe('kubectl', () => {
  it('applies from the client: creates, leaves alone, changes', async () => {
    expect(await kubectl('apply', '-f', file(configMap('client', { a: '1' })))).toContain('created')
    expect(await kubectl('apply', '-f', file(configMap('client', { a: '1' })))).toContain('unchanged')
    expect(await kubectl('apply', '-f', file(configMap('client', { b: '2' })))).toContain('configured')
    expect(await kubectl('get', 'cm', 'client', '-o', 'jsonpath={.data}')).toBe('{"b":"2"}')
  })

  it('changes one container of a workload that it applied', async () => {
    await kubectl('apply', '-f', file(deployment('patched', { paused: true }, { ports: [{ containerPort: 80 }] })))
    expect(await kubectl('apply', '-f', file(deployment('patched', { paused: true }, { image: 'nginx:2' })))).toContain(
      'configured',
    )
    const containers = 'jsonpath={.spec.template.spec.containers[*].image}{.spec.template.spec.containers[*].ports}'
    expect(await kubectl('get', 'deploy', 'patched', '-o', containers)).toBe('nginx:2')
    expect(await kubectl('set', 'image', 'deploy/patched', 'web=nginx:3')).toContain('image updated')
  })

  it('applies on the server', async () => {
    expect(await kubectl('apply', '--server-side', '-f', file(configMap('server', { a: '1' })))).toContain(
      'serverside-applied',
    )
  })

  it('refuses unknown fields', async () => {
    const odd = file({ ...configMap('odd'), oddity: 1 })
    const { code, stderr } = await tools.kubectl('apply', '-f', odd, '--namespace', namespace)
    expect(code).toBe(1)
    expect(stderr).toContain('unknown field "oddity"')
  })

  it('applies and deletes a List of several kinds, and checks every item of it', async () => {
    const list = (...items: object[]) => file({ apiVersion: 'v1', kind: 'List', items })
    const several = list(configMap('listed', { a: '1' }), deployment('listed', { paused: true }))
    expect(await kubectl('apply', '-f', several)).toBe('configmap/listed created\ndeployment.apps/listed created\n')
    expect(await kubectl('apply', '-f', several)).toBe('configmap/listed unchanged\ndeployment.apps/listed unchanged\n')
    const odd = list(configMap('listed'), deployment('odd', {}, { oddity: 1 }))
    const { code, stderr } = await tools.kubectl('apply', '-f', odd, '--namespace', namespace)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('unknown field "oddity" in io.k8s.api.core.v1.Container'),
    ])
    expect(await kubectl('delete', '-f', several)).toContain('deployment.apps "listed" deleted')
  })

  it('labels, annotates, scales, edits nothing twice and deletes', async () => {
    await kubectl('create', 'configmap', 'handled', '--from-literal=a=1')
    expect(await kubectl('label', 'cm', 'handled', 'x=y')).toContain('labeled')
    expect(await kubectl('annotate', 'cm', 'handled', 'x=y')).toContain('annotated')
    expect(await kubectl('get', 'cm', '-l', 'x=y', '-o', 'name')).toBe('configmap/handled\n')
    await kubectl('apply', '-f', file(deployment('sized', { paused: true })))
    expect(await kubectl('scale', 'deploy/sized', '--replicas', '3')).toContain('scaled')
    expect(await kubectl('delete', 'cm', 'handled')).toContain('deleted')
  })

  it('prints tables and describes', async () => {
    await kubectl('create', 'configmap', 'shown', '--from-literal=a=1')
    expect(await kubectl('get', 'cm', 'shown')).toMatch(/^NAME\s+DATA\s+AGE\nshown\s+1\s+\d+s\n$/)
    expect(await kubectl('describe', 'cm', 'shown')).toContain('Name:         shown')
    expect(await kubectl('explain', 'deployment.spec.strategy')).toContain('rollingUpdate')
    expect(await kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes\n')
  })
})

withControllers('kubectl on what lives', () => {
  it('follows a rollout and deletes a pod', async () => {
    await kubectl('create', 'deployment', 'alive', '--image=nginx:1')
    expect(await kubectl('rollout', 'status', 'deploy/alive', '--timeout=50s')).toContain('successfully rolled out')
    const pod = (await kubectl('get', 'pods', '-l', 'app=alive', '-o', 'name')).trim()
    expect(await kubectl('delete', pod, '--timeout=50s')).toContain('deleted')
    expect(await kubectl('wait', 'deploy/alive', '--for=condition=Available', '--timeout=50s')).toContain(
      'condition met',
    )
  })

  it.runIf(podsAnswer)('reads logs', async () => {
    await kubectl('create', 'deployment', 'talks', '--image=nginx:1')
    await kubectl('rollout', 'status', 'deploy/talks', '--timeout=50s')
    expect(await kubectl('logs', 'deploy/talks')).not.toBe('')
  })
})
