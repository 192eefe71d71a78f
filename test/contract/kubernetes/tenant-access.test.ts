import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../src/core/json.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import {
  AccessRefused,
  type ClusterClient,
  type ClusterEndpoint,
  createClient,
  createTenantAccess,
  type KubeObject,
  type Resource,
  resources,
} from '../../../src/infra/kubernetes/index.ts'
import { bindingName, clusterRoles, roleBindings } from '../../../src/infra/kubernetes/tenant-access/roles.ts'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'

let cluster: TestCluster
let namespace: string
let user: string
beforeAll(async () => {
  cluster = await practiceCluster()
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  namespace = await cluster.namespace('access')
  user = `flotilla:tenant:${namespace}`
})

const access = (client = cluster.client) => createTenantAccess(client, systemClock)
const clientOf = (endpoint: ClusterEndpoint) => createClient({ endpoint, clock: systemClock })
const secret = (name: string, where = namespace): KubeObject => ({ metadata: { name, namespace: where } })
const { secrets } = resources
const asTenant = async (of = access()) => clientOf(await of.as(user, namespace))
const forbidden = { status: 403 }

/** The same cluster, and how often it was asked. */
function counting(endpoint: ClusterEndpoint) {
  const count = { asked: 0 }
  const headers = () => {
    count.asked++
    return endpoint.headers()
  }
  const { server, dispatcher } = endpoint
  return { count, client: clientOf({ server, dispatcher, headers }) }
}

describe('a tenant', () => {
  test('has its own namespace, and nothing else', async () => {
    const other = await cluster.namespace('other')
    const tenant = await asTenant()
    await tenant.create(secrets, secret('mine'))
    await expect(tenant.create(secrets, secret('theirs', other))).rejects.toMatchObject(forbidden)
    await expect(tenant.list(secrets, {})).rejects.toMatchObject(forbidden)
    await expect(tenant.list(clusterRoles, {})).rejects.toMatchObject(forbidden)
  })

  test('cannot make itself more of it', async () => {
    const tenant = await asTenant()
    const binding = (name: string, role: string) => ({
      metadata: { name, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
    })
    for (const role of ['cluster-admin', 'admin', 'edit']) {
      await expect(tenant.create(roleBindings, binding('more', role))).rejects.toMatchObject(forbidden)
    }
    await tenant.create(roleBindings, binding('seeing', 'view'))
    const quotas: Resource = { ...secrets, plural: 'resourcequotas', kind: 'ResourceQuota' }
    await expect(tenant.create(quotas, secret('quota'))).rejects.toMatchObject(forbidden)
  })
})

describe('its rights', () => {
  test('are looked at once, until something was refused', async () => {
    const { client, count } = counting(cluster.endpoint)
    const rights = access(client)
    await rights.as(user, namespace)
    const first = count.asked
    await Promise.all([rights.as(user, namespace), rights.as(user, namespace)])
    expect(count.asked).toBe(first)
    await cluster.client.delete(roleBindings, { name: bindingName, namespace })
    rights.forget(namespace)
    await (await asTenant(rights)).create(secrets, secret('again'))
  })

  test('of another user or role in their place are put right', async () => {
    const stranger = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }
    await access().as(user, namespace)
    const live = await cluster.client.get<KubeObject & { subjects?: Json }>(roleBindings, {
      name: bindingName,
      namespace,
    })
    await cluster.client.replace(roleBindings, { ...live, subjects: [stranger] })
    await access().as(user, namespace)
    const repaired = await cluster.client.get<KubeObject & { subjects?: Json }>(roleBindings, {
      name: bindingName,
      namespace,
    })
    expect(repaired.subjects).toEqual([expect.objectContaining({ kind: 'User', name: user })])
  })
})

describe('where Flotilla itself has few rights', () => {
  const rule = (apiGroups: string[], kinds: string, verbs: string, names: readonly string[] = []) => ({
    ...{ apiGroups, resources: [kinds], verbs: verbs.split(' ') },
    ...(names.length === 0 ? {} : { resourceNames: names }),
  })
  const rbac = ['rbac.authorization.k8s.io']

  /** A ServiceAccount with these rules on the whole cluster, and a client that has its token. */
  async function account(rules: Json): Promise<ClusterClient> {
    const name = namespace
    await cluster.client.create({ ...secrets, plural: 'serviceaccounts', kind: 'ServiceAccount' }, secret(name))
    const role: KubeObject & { rules: Json } = { metadata: { name }, rules }
    await cluster.client.create(clusterRoles, role)
    const bindings = { ...clusterRoles, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding' }
    const binding: KubeObject & Record<'roleRef' | 'subjects', Json> = {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    }
    await cluster.client.create(bindings, binding)
    const { server, dispatcher } = cluster.endpoint
    const asked = await dispatcher.request({
      ...{ origin: server.origin, method: 'POST', body: '{"spec":{}}' },
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      headers: { ...(await cluster.endpoint.headers()), 'content-type': 'application/json' },
    })
    const { status } = (await asked.body.json()) as { status: { token: string } }
    return clientOf({ server, dispatcher, headers: async () => ({ authorization: `Bearer ${status.token}` }) })
  }

  test('those that are documented suffice', async () => {
    await access().as(user, namespace)
    await cluster.client.delete(roleBindings, { name: bindingName, namespace })
    const client = await account([
      rule(rbac, 'clusterroles', 'get bind', ['flotilla:tenant-charts']),
      rule(rbac, 'rolebindings', 'get create delete'),
      rule([''], 'users', 'impersonate', [user]),
      rule([''], 'groups', 'impersonate', ['flotilla:tenants']),
    ])
    const rights = access(client)
    await rights.check()
    await (await asTenant(rights)).create(secrets, secret('mine'))
  })

  test('not to act as a tenant is said, and not worked around', async () => {
    await access().as(user, namespace)
    const rights = access(
      await account([
        rule(rbac, 'clusterroles', 'get bind', ['flotilla:tenant-charts']),
        rule(rbac, 'rolebindings', 'get create delete'),
      ]),
    )
    await expect(rights.check()).rejects.toBeInstanceOf(AccessRefused)
    await expect(rights.as(user, namespace)).rejects.toThrow(`cannot impersonate resource "users"`)
  })

  test('not to give the rights is said too', async () => {
    await expect(access(await account([])).as(user, namespace)).rejects.toBeInstanceOf(AccessRefused)
    expect(await cluster.client.find(roleBindings, { name: bindingName, namespace })).toBeNull()
  })
})
