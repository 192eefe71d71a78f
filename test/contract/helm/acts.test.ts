import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HelmFailure } from '../../../src/infra/helm/index.ts'
import {
  api,
  at,
  context,
  holding,
  newNamespace,
  openWorld,
  readNewest,
  revisions,
  shop,
  testLease,
  type World,
} from './support.ts'

let world: World
let namespace: string
let chart: { bytes: Uint8Array }
const release = 'web'

beforeAll(async () => {
  world = await openWorld()
  chart = await shop()
})
afterAll(() => world.close())
beforeEach(async () => {
  namespace = await newNamespace(world.cluster, 'acts')
})

const target = () => ({ cluster: world.cluster, namespace, release, timeoutSeconds: 20 })
const deploy = (operationId: string, values = {}) => ({ ...target(), chart, values, operationId })
const get = async (path: string) => (await api(world.cluster, 'GET', path)).body
const word = async () => at(await get(`/api/v1/namespaces/${namespace}/configmaps/${release}`), 'data', 'word')
const failureOf = (run: Promise<void>): Promise<HelmFailure> =>
  run.then(
    () => expect.unreachable('helm did not fail'),
    (error) => {
      expect(error).toBeInstanceOf(HelmFailure)
      return error
    },
  )

test('the four acts', async () => {
  await world.helm.install({ ...deploy('op-1', { word: 'one' }), description: '--first' }, context())
  expect(await word()).toBe('one')
  const first = await readNewest(world.cluster, namespace, release)
  expect(first?.record).toMatchObject({ version: 1, info: { status: 'deployed', description: '--first' } })
  expect(first?.record.config).toEqual({ word: 'one' })
  expect(first?.record.applyMethod).toBe(world.binary.dialect === 'v4' ? 'ssa' : null)
  expect(first?.labels).toEqual({ 'flotilla.dev/operation': 'op-1', 'flotilla.dev/attempt': '0' })

  await world.helm.upgrade(deploy('op-2', { replicas: 2 }), context())
  expect(await word()).toBe('default')
  const second = await readNewest(world.cluster, namespace, release)
  expect(second?.record.config).toEqual({ replicas: 2 })
  expect(second?.labels).toEqual({ 'flotilla.dev/operation': 'op-2', 'flotilla.dev/attempt': '0' })

  await world.helm.rollback({ ...target(), revision: 1 }, context())
  expect(await word()).toBe('one')
  const third = await readNewest(world.cluster, namespace, release)
  expect(third?.record).toMatchObject({ version: 3, info: { status: 'deployed', description: 'Rollback to 1' } })
  expect(third?.labels).toEqual({ 'flotilla.dev/operation': 'op-1', 'flotilla.dev/attempt': '0' })

  await world.helm.uninstall({ ...target(), description: 'no longer needed' }, context())
  expect(await revisions(world.cluster, namespace, release)).toEqual([])
  expect(await word()).toBeUndefined()
  await expect(world.helm.uninstall(target(), context())).rejects.toMatchObject({ code: 'helm_failed', changed: false })
})

test('hooks run', async () => {
  const ran = async () => at(await get(`/api/v1/namespaces/${namespace}/configmaps/${release}-ran`), 'data', 'hook')
  await world.helm.install(deploy('op'), context())
  expect(await ran()).toBe('install')
  await world.helm.upgrade(deploy('op'), context())
  expect(await ran()).toBe('upgrade')
})

describe('failures are known by their codes', () => {
  test('a hook that does not end in time', async () => {
    const spec = { ...deploy('op', { waitFor: 'pre-install' }), timeoutSeconds: 1 }
    expect(await failureOf(world.helm.install(spec, context()))).toMatchObject({ code: 'hook_failed', changed: true })
    expect(await revisions(world.cluster, namespace, release)).toEqual(['1 failed'])
  })

  test('nothing was changed when nothing was: values, names', async () => {
    const wrong = deploy('op', { replicas: 'many' })
    expect(await failureOf(world.helm.install(wrong, context()))).toMatchObject({
      code: 'values_schema',
      changed: false,
    })
    expect(await failureOf(world.helm.upgrade(deploy('op'), context()))).toMatchObject({
      code: 'not_found',
      changed: false,
    })
    await world.helm.install(deploy('op'), context())
    expect(await failureOf(world.helm.install(deploy('op'), context()))).toMatchObject({
      code: 'name_taken',
      changed: false,
    })
    const back = { ...target(), revision: 7 }
    expect(await failureOf(world.helm.rollback(back, context()))).toMatchObject({
      code: 'revision_not_found',
      changed: false,
    })
  })

  /** 3.17 patches from its own last manifest and asks nobody; 4 names whose field it is. */
  async function ordinaryUpgradeOver(replicasByHand: number): Promise<void> {
    const upgrade = world.helm.upgrade(deploy('op', { replicas: 3 }), context())
    if (world.binary.dialect === 'v3') {
      await upgrade
      expect(await replicas()).toBe(3)
      return
    }
    expect(await failureOf(upgrade)).toMatchObject({
      code: 'field_conflict',
      conflicts: [{ object: `Deployment ${namespace}/${release}`, field: '.spec.replicas', manager: 'another-hand' }],
    })
    expect(await replicas()).toBe(replicasByHand)
  }

  test('a field of another manager; forced, and by a rollback, it is taken', async () => {
    await world.helm.install(deploy('op'), context())
    await scale(5)
    await ordinaryUpgradeOver(5)
    await world.helm.upgrade({ ...deploy('op', { replicas: 2 }), forceConflicts: true }, context())
    expect(await replicas()).toBe(2)
    await scale(5)
    await world.helm.rollback({ ...target(), revision: 1 }, context())
    expect(await replicas()).toBe(1)
  })

  test('a deadline', async () => {
    const spec = deploy('op', { waitFor: 'pre-install' })
    const failure = await failureOf(world.helm.install(spec, context({ deadline: Date.now() + 1_500 })))
    expect(failure.code).toBe('timed_out')
    const left = failure.changed ? ['1 pending-install'] : []
    expect(await revisions(world.cluster, namespace, release)).toEqual(left)
  })

  test('a cancellation lets helm write its verdict', async () => {
    const cancel = new AbortController()
    const held = holding(world.cluster, (method, path) => method === 'GET' && path.includes('/jobs?'))
    const spec = { ...deploy('op', { waitFor: 'pre-install' }), cluster: held.cluster }
    const failure = failureOf(world.helm.install(spec, context({ signal: cancel.signal })))
    await held.reached
    cancel.abort()
    held.go()
    expect(await failure).toMatchObject({ code: 'cancelled', changed: true })
    expect(await revisions(world.cluster, namespace, release)).toEqual(['1 failed'])
  })

  test('a lost lease', async () => {
    const lease = testLease()
    lease.lose()
    const failure = await failureOf(world.helm.install(deploy('op'), context({ lease })))
    expect(failure).toMatchObject({ code: 'interrupted', changed: false })
  })
})

test('a rendering needs no cluster', async () => {
  const spec = { release, namespace, chart, values: { word: 'hello' }, kubeVersion: '1.35.0' }
  const { objects } = await world.helm.template(spec, { limitMs: 60_000, tenantId: 'a' })
  expect(objects.map(({ object }) => object.kind).sort()).toEqual(
    ['ConfigMap', 'ConfigMap', 'Deployment', 'Secret', 'Service', 'ServiceAccount'].sort(),
  )
  expect(objects.find(({ object }) => object.kind === 'Service')?.source).toBe('shop/templates/objects.yaml')
  const wrong = world.helm.template({ ...spec, values: { replicas: 'many' } }, { limitMs: 60_000, tenantId: 'a' })
  await expect(wrong).rejects.toMatchObject({ code: 'values_schema', changed: false })
})

async function scale(to: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${release}?fieldManager=another-hand`
  const headers = { ...(await world.cluster.headers()), 'content-type': 'application/merge-patch+json' }
  const body = JSON.stringify({ spec: { replicas: to } })
  const { server, dispatcher } = world.cluster
  const answer = await dispatcher.request({ origin: server.origin, path, method: 'PATCH', headers, body })
  await answer.body.dump()
  expect(answer.statusCode).toBe(200)
}

const replicas = async () =>
  at(await get(`/apis/apps/v1/namespaces/${namespace}/deployments/${release}`), 'spec', 'replicas')
