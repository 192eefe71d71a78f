import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { readText } from '../../../src/infra/kubernetes/body.ts'
import type { KubeObject } from '../../../src/infra/kubernetes/index.ts'
import { tenantRoles } from '../../../src/infra/kubernetes/tenant-access/roles.ts'
import type { TestCluster } from '../../support/cluster.ts'
import type { Asked } from '../../support/faulty-api-server.ts'
import { ok } from '../support/api.ts'
import { type FaultyWorld, openFaultyWorld } from '../support/faulty-world.ts'
import { Hand } from '../support/hand.ts'
import { failure } from '../support/releases.ts'
import { Place, type World } from '../support/world.ts'
import { approved, Fleet, type Kind, makePool, registerFleet } from '../upgrades/support/fleet.ts'

/*
 * Flotilla's own chart, installed by helm on a cluster, and Flotilla at work there with the rights that the chart gives its
 * ServiceAccount, and no others.
 */
const chart = fileURLToPath(new URL('../../../deploy/chart', import.meta.url))
const tenants = Array.from({ length: 5 }, () => randomUUID())
const given = ['--set', 'image.repository=registry.test/flotilla', '--set', `rbac.tenants={${tenants.join(',')}}`]
const release = ['flotilla', chart, '--namespace', 'flotilla', ...given] as const

type Rule = Readonly<Record<'apiGroups' | 'resources' | 'verbs', readonly string[]>>

let opened: FaultyWorld
let world: World
let rendered: readonly KubeObject[]
const asked: Asked[] = []
beforeAll(async () => {
  opened = await openFaultyWorld(async (cluster, kubeconfig, server) => {
    const hand = new Hand(cluster.kubeconfig)
    await hand.helm('install', ...release, '--create-namespace')
    hand.remove()
    await actAsServiceAccount(cluster, kubeconfig)
    server.faults((request) => {
      asked.push(request)
      return null
    })
  })
  const free = [...tenants]
  world = { ...opened.world, place: () => new Place(opened.world.api, free.pop()) }
  const manifest = await world.hand.helm('template', ...release)
  rendered = parseAllDocuments(manifest).map((document) => document.toJS() as KubeObject)
})
afterAll(() => opened?.close())

/** The token of the ServiceAccount in the place of the admin's. */
async function actAsServiceAccount({ transport }: TestCluster, kubeconfig: string): Promise<void> {
  const answer = await transport({
    method: 'POST',
    path: '/api/v1/namespaces/flotilla/serviceaccounts/flotilla/token',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
    signal: new AbortController().signal,
  })
  const { status } = JSON.parse(await readText(answer.body, 1 << 20)) as TokenRequest
  const config = parse(await readFile(kubeconfig, 'utf8')) as { readonly users: readonly object[] }
  const users = config.users.map((user) => ({ ...user, user: { token: status.token } }))
  await writeFile(kubeconfig, stringify({ ...config, users }), { mode: 0o600 })
}
type TokenRequest = { readonly status: { readonly token: string } }

function named<T extends object>(kind: string, name: string): T {
  return rendered.find((object) => object.kind === kind && object.metadata.name === name) as unknown as T
}

test('it makes the roles of tenants as Flotilla wants them', () => {
  for (const wanted of tenantRoles)
    expect(named('ClusterRole', (wanted.metadata as { readonly name: string }).name)).toEqual(wanted)
})

test('without an image it says what is missing', async () => {
  const { code, stderr } = await world.hand.tryHelm('template', 'flotilla', chart)
  expect(code).toBe(1)
  expect(stderr).toContain('image.repository: where the image of the Containerfile was pushed')
})

test.each(['api', 'worker'])('the pods of %s run as an ordinary user, who writes to two empty folders only', (role) => {
  const { spec } = named<{ readonly spec: { readonly template: object } }>('Deployment', `flotilla-${role}`)
  const securityContext = {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  }
  expect(spec.template).toMatchObject({
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 10001 },
      containers: [{ args: ['serve', '--role', role], securityContext }],
    },
  })
})

test('with the rights of its ServiceAccount Flotilla does all of its work, and uses each of them', async () => {
  const component = await registerFleet(world)
  await makePool(world, 2)
  const moved = async (kind: Kind, strategy: string) => {
    const fleet = await Fleet.install(world, component, { kind, size: 2 })
    const execution = await fleet.started({ strategy, batchSize: 1, healthCheckTimeoutSeconds: 60 })
    const { status, checks } = await approved(execution)
    expect([status, ...checks.map((check) => check.status)], `${kind} ${strategy}`).not.toContain('FAILED')
  }
  await moved('Deployment', 'ROLLING')
  await moved('Deployment', 'BLUE_GREEN')
  await moved('StatefulSet', 'ROLLING')
  await moved('DaemonSet', 'ROLLING')
  await rollbackOfStatefulSet()
  expect(unusedRights()).toEqual([
    // A binding that another hand has altered is made anew.
    'rbac.authorization.k8s.io/rolebindings delete',
  ])
  expect(usedBeyond()).toEqual([
    // The roles of tenants are the chart's, and Flotilla lives with being refused to bring them up to date.
    'rbac.authorization.k8s.io/clusterroles patch',
  ])
})

/** An upgrade that fails and is settled, the way back past its broken pod, and the end. */
async function rollbackOfStatefulSet(): Promise<void> {
  const place = world.place()
  const store = await place.installed({ chartName: 'matih-metadata-store', valuesOverride: { replicaCount: 2 } })
  failure(await store.upgrade({ chartVersion: '1.4.0', timeout: 8 }), 'not_ready')
  ok(await store.rollback(1, { timeout: 60 }))
  ok(await store.uninstall())
}

const rules = () => named<{ readonly rules: readonly Rule[] }>('ClusterRole', 'flotilla').rules

/** What the role permits, each right as `group/resource verb`; what is only asked of RBAC itself is left out. */
function rights(): readonly string[] {
  const each = rules().flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((what) => verbs.map((verb) => `${group}/${what} ${verb}`))),
  )
  return each.filter((right) => !/ (bind|impersonate)$/.test(right) && right !== '*/* get')
}

const used = () => new Set(asked.filter(({ as }) => as === null).flatMap(rightOf))
const unusedRights = () => rights().filter((right) => !used().has(right))
/** What every user may: reviews of one's own rights. */
const usedBeyond = () =>
  [...used()].filter(
    (right) => !rights().includes(right) && !right.endsWith(' get') && !right.includes('/selfsubjectaccessreviews'),
  )

/** The right that a request needs; none for what is no resource. */
function rightOf({ method, path, watch }: Asked): readonly string[] {
  const match =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/[^/]+(?=\/[^/]))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?/.exec(
      new URL(path, 'http://localhost').pathname,
    )
  if (match === null) return []
  const [, group = '', resource = '', name, sub] = match
  const what = sub === undefined ? resource : `${resource}/${sub}`
  const get = name === undefined ? (watch ? 'watch' : 'list') : 'get'
  const verbs: Readonly<Record<string, string>> = {
    GET: get,
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  }
  return [`${group}/${what} ${verbs[method] ?? method}`]
}
