import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HelmProcess } from '../../../src/infra/helm/index.ts'
import { api, attack, clock, context, newNamespace, openWorld, shop, type World } from './support.ts'

let world: World
let namespace: string
let victim: string

beforeAll(async () => {
  world = await openWorld()
  victim = await newNamespace(world.cluster, 'victim')
  const treasure = { metadata: { name: 'treasure' }, stringData: { word: 'CANARY' } }
  await api(world.cluster, 'POST', `/api/v1/namespaces/${victim}/secrets`, treasure)
})
afterAll(() => world.close())
beforeEach(async () => {
  namespace = await newNamespace(world.cluster, 'attack')
})

const spec = async (name: string) => ({
  cluster: world.cluster,
  namespace,
  release: 'evil',
  timeoutSeconds: 20,
  chart: await attack(name),
  values: { victim },
  operationId: 'op',
})
const status = async (path: string) => (await api(world.cluster, 'GET', path)).status

describe('what a chart reaches for outside is refused by name, and is not there afterwards', () => {
  test.each([
    ['lookup-one', 'secrets "treasure" in the namespace "VICTIM"', '/api/v1/namespaces/NS/configmaps/loot'],
    ['lookup-all', 'secrets of the cluster', '/api/v1/namespaces/NS/configmaps/loot'],
    [
      'foreign-object',
      'configmaps "planted" in the namespace "VICTIM"',
      '/api/v1/namespaces/VICTIM/configmaps/planted',
    ],
    ['foreign-hook', 'in the namespace "VICTIM"', '/api/v1/namespaces/VICTIM/configmaps/planted'],
    [
      'crds',
      'customresourcedefinitions.apiextensions.k8s.io',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/attacks.flotilla.test',
    ],
    [
      'cluster-role-binding',
      'clusterrolebindings.rbac.authorization.k8s.io "flotilla-attack" of the cluster',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/flotilla-attack',
    ],
    [
      'render-dependent',
      'clusterrolebindings.rbac.authorization.k8s.io "flotilla-attack" of the cluster',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/flotilla-attack',
    ],
    ['forged-record', 'sh.helm.release.v1.other.v7', '/api/v1/namespaces/NS/secrets/sh.helm.release.v1.other.v7'],
    ['account-token', 'secrets "token"', '/api/v1/namespaces/NS/secrets/token'],
  ])('%s', async (name, object, path) => {
    const within = (text: string) => text.replace('VICTIM', victim).replace('NS', namespace)
    await expect(world.helm.install(await spec(name), context())).rejects.toMatchObject({
      code: 'outside_namespace',
      message: expect.stringContaining(within(object)),
      stderrTail: expect.not.stringContaining('CANARY'),
    })
    expect(await status(within(path))).toBe(404)
  })

  test('a rendering without a cluster does not show what depends on it: the wall is needed', async () => {
    const { chart, values } = await spec('render-dependent')
    const rendering = { release: 'evil', namespace, chart, values, kubeVersion: '1.35.0' }
    const { objects } = await world.helm.template(rendering, context())
    expect(objects.map(({ object }) => object.kind)).toEqual(['ConfigMap'])
  })

  test('a grant opens exactly what it names', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/flotilla-attack'
    const granted = ({ resource, name }: { resource: string; name: string | null }) =>
      resource === 'clusterrolebindings' && name === 'flotilla-attack'
    const install = { ...(await spec('cluster-role-binding')), granted }
    await world.helm.install(install, context())
    expect(await status(path)).toBe(200)
    await world.helm.uninstall(install, context())
    expect(await status(path)).toBe(404)
  })
})

describe('a chart that eats the machine', () => {
  test('a loop is ended at the deadline', async () => {
    const run = world.helm.install(await spec('template-loop'), context({ deadline: Date.now() + 500 }))
    await expect(run).rejects.toMatchObject({ code: 'timed_out', changed: false })
  })

  test('a loop is ended by its CPU limit when nobody is there to end it', async () => {
    const { binary, gateway, workspace } = world
    const helm = new HelmProcess({ binary, gateway, workspace, clock, bounds: { cpuSeconds: 1 } })
    const run = helm.install(await spec('template-loop'), context())
    await expect(run).rejects.toMatchObject({ code: 'helm_failed', changed: false })
  })

  test('a memory bomb ends by itself, while another install goes through', async () => {
    const bomb = world.helm.install(await spec('memory-bomb'), context())
    const refused = expect(bomb).rejects.toMatchObject({ changed: false })
    await world.helm.install({ ...(await spec('crds')), chart: await shop(), release: 'good' }, context())
    await refused
  })
})
