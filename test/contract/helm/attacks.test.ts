import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HelmProcess, recordName } from '../../../src/infra/helm/index.ts'
import { encodeRelease } from '../../../src/infra/helm/storage/codec.ts'
import {
  api,
  at,
  attack,
  clock,
  context,
  everything,
  helmsIn,
  newNamespace,
  openWorld,
  readNewest,
  revisions,
  shop,
  type World,
} from './support.ts'
import { openWalls, standings } from './walls.ts'

let world: World
let namespace: string
let victim: string
let walls: Awaited<ReturnType<typeof openWalls>>['walls']
let closeWalls: () => Promise<void>

beforeAll(async () => {
  world = await openWorld()
  const opened = await openWalls(world)
  walls = opened.walls
  closeWalls = opened.close
  victim = await newNamespace(world.cluster, 'victim')
  await api(world.cluster, 'POST', `/api/v1/namespaces/${victim}/secrets`, chest)
})
afterAll(async () => {
  await closeWalls()
  await world.close()
})
beforeEach(async () => {
  namespace = await newNamespace(world.cluster, 'attack')
})

const chest = { metadata: { name: 'treasure' }, stringData: { word: 'CANARY' } }
const word = Buffer.from('CANARY').toString('base64')

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

type Attack = {
  readonly chart: string
  /** What must not be there afterwards. */
  readonly absent: string
  /** What the gateway says that the chart asked for; null where only RBAC sees anything in it. */
  readonly asked: string | null
  /** Whether RBAC alone refuses it. */
  readonly byRbac: boolean
}

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const wide = `${rbac}/clusterrolebindings/flotilla-attack`
const inside = (path: string) => `/api/v1/namespaces/NS/${path}`
const planted = '/api/v1/namespaces/VICTIM/configmaps/planted'
const clusterRole = 'clusterrolebindings.rbac.authorization.k8s.io "flotilla-attack" of the cluster'
const treasure = 'secrets "treasure" in the namespace "VICTIM"'
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const attacks: readonly Attack[] = [
  { chart: 'lookup-one', asked: treasure, byRbac: true, absent: inside('configmaps/loot') },
  { chart: 'lookup-all', asked: 'secrets of the cluster', byRbac: true, absent: inside('configmaps/loot') },
  { chart: 'foreign-object', asked: 'configmaps "planted" in the namespace "VICTIM"', byRbac: true, absent: planted },
  { chart: 'foreign-hook', asked: 'in the namespace "VICTIM"', byRbac: true, absent: planted },
  { chart: 'foreign-delete', asked: treasure, byRbac: true, absent: inside('secrets/treasure') },
  {
    ...{ chart: 'crds', asked: 'customresourcedefinitions.apiextensions.k8s.io', byRbac: true },
    absent: `${definitions}/attacks.flotilla.test`,
  },
  { chart: 'cluster-role-binding', asked: clusterRole, byRbac: true, absent: wide },
  { chart: 'render-dependent', asked: clusterRole, byRbac: true, absent: wide },
  // Its path is that of any object of the release: RBAC alone knows what it would give.
  { chart: 'role-binding', asked: null, byRbac: true, absent: `${rbac}/namespaces/NS/rolebindings/flotilla-attack` },
  // Secrets are the tenant's own: RBAC cannot tell one from a record of helm.
  {
    ...{ chart: 'forged-record', asked: 'sh.helm.release.v1.other.v7', byRbac: false },
    absent: inside('secrets/sh.helm.release.v1.other.v7'),
  },
  { chart: 'account-token', asked: 'secrets "token"', byRbac: false, absent: inside('secrets/token') },
]

const within = (text: string) => text.replace('VICTIM', victim).replace('NS', namespace)
const treasured = async () => (await api(world.cluster, 'GET', `/api/v1/namespaces/${victim}/secrets/treasure`)).body

describe.each(standings)('with %s', (standing) => {
  const standsFor = ({ asked, byRbac }: Attack) =>
    standing === 'both walls' || (standing === 'RBAC alone' ? byRbac : asked !== null)

  test.each(attacks.filter(standsFor))(
    '$chart is refused, and nothing is touched',
    async ({ chart, asked, absent }) => {
      const { helm, clusterOf } = walls[standing]
      const before = await treasured()
      const install = { ...(await spec(chart)), cluster: await clusterOf(namespace) }
      const failure = await helm.install(install, context()).then(
        () => expect.unreachable('the attack went through'),
        (error: unknown) => error,
      )
      expect(failure).toMatchObject({ stderrTail: expect.not.stringContaining('CANARY') })
      if (asked !== null && standing !== 'RBAC alone') {
        expect(failure).toMatchObject({
          code: 'outside_namespace',
          message: expect.stringContaining(within(asked)),
        })
      }
      expect(await status(within(absent))).toBe(404)
      expect(await treasured()).toEqual(before)
    },
  )

  test('a record that names a foreign object makes helm delete nothing, in an upgrade or an uninstall', async () => {
    const { helm, clusterOf } = walls[standing]
    const before = await treasured()
    const cluster = await clusterOf(namespace)
    const good = { ...(await spec('crds')), chart: await shop(), release: 'good', cluster }
    await helm.install(good, context())
    await addToManifest('good', `apiVersion: v1\nkind: Secret\nmetadata: {name: treasure, namespace: ${victim}}\n`)
    await helm.upgrade(good, context()).catch(() => {})
    await helm.uninstall(good, context()).catch(() => {})
    expect(await treasured()).toEqual(before)
  })

  test('a chart with hooks of every kind and more than twelve kinds of objects: four acts', async () => {
    const { helm, clusterOf } = walls[standing]
    const target = {
      ...(await spec('crds')),
      chart: await everything(),
      release: 'all',
      cluster: await clusterOf(namespace),
    }
    await helm.install({ ...target, values: { word: 'one' } }, context())
    await helm.upgrade({ ...target, values: { word: 'two' } }, context())
    const found = await api(world.cluster, 'GET', `/api/v1/namespaces/${namespace}/configmaps/all`)
    expect(at(found.body, 'data')).toEqual({ word: 'two', seen: 'Secret' })
    await helm.rollback({ ...target, revision: 1 }, context())
    await helm.uninstall(target, context())
    expect(await revisions(world.cluster, namespace, 'all')).toEqual([])
    expect(await status(inside('configmaps/all').replace('NS', namespace))).toBe(404)
  })
})

describe('without any wall', () => {
  test.each(attacks)('$chart goes through: the walls are what stops it', async ({ chart, absent }) => {
    const prey = await newNamespace(world.cluster, 'prey')
    await api(world.cluster, 'POST', `/api/v1/namespaces/${prey}/secrets`, chest)
    const reached = absent.replace('VICTIM', prey).replace('NS', namespace)
    // Its hook lies in the other namespace, where helm has put its own in the place of what was there.
    const path = chart === 'foreign-delete' ? `/api/v1/namespaces/${prey}/secrets/treasure` : reached
    await walls.none.helm.install({ ...(await spec(chart)), values: { victim: prey } }, context())
    expect(await status(path)).toBe(200)
    if (chart === 'foreign-delete')
      expect(at((await api(world.cluster, 'GET', path)).body, 'data', 'word')).not.toBe(word)
    if (absent === wide || absent.startsWith(definitions)) await api(world.cluster, 'DELETE', reached)
  })
})

/** As one who can write Secrets in the namespace does: the newest record of a release with one object more. */
async function addToManifest(release: string, object: string): Promise<void> {
  const stored = await readNewest(world.cluster, namespace, release)
  if (stored === null) throw new Error('no record')
  const raw = { ...stored.raw, manifest: `${stored.record.manifest}\n---\n${object}` }
  const secret = { ...stored.secret, data: { release: encodeRelease(raw) } }
  const name = recordName(release, stored.record.version)
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`
  expect((await api(world.cluster, 'PUT', path, secret)).status).toBe(200)
}

describe('what it takes', () => {
  test('a rendering without a cluster does not show what depends on it: the wall is needed', async () => {
    const { chart, values } = await spec('render-dependent')
    const rendering = { release: 'evil', namespace, chart, values, kubeVersion: '1.35.0' }
    const { objects } = await world.helm.template(rendering, { limitMs: 60_000, tenantId: 'a' })
    expect(objects.map(({ object }) => object.kind)).toEqual(['ConfigMap'])
  })

  test('a grant opens exactly what it names', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/flotilla-attack'
    const object = { group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', namespace: null }
    const beyond = { cluster: world.cluster, objects: [{ ...object, name: 'flotilla-attack', only: null }] }
    const cluster = await walls['both walls'].clusterOf(namespace)
    const install = { ...(await spec('cluster-role-binding')), cluster, beyond }
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
    expect(await helmsIn(world.workspace.folder)).toEqual([])
  })

  test('a loop is ended by its CPU limit when nobody is there to end it', async () => {
    const { binary, gateway, workspace } = world
    const helm = new HelmProcess({ binary, gateway, workspace, clock, bounds: { cpuSeconds: 1 } })
    const run = helm.install(await spec('template-loop'), context())
    await expect(run).rejects.toMatchObject({ code: 'helm_failed', changed: false })
    expect(await helmsIn(world.workspace.folder)).toEqual([])
  })

  test('a memory bomb ends by itself, while another install goes through', async () => {
    const bomb = world.helm.install(await spec('memory-bomb'), context())
    const refused = expect(bomb).rejects.toMatchObject({ changed: false })
    await world.helm.install({ ...(await spec('crds')), chart: await shop(), release: 'good' }, context())
    await refused
  })
})
