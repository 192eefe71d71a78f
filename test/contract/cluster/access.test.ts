import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  actingAs,
  clusterRole,
  clusterRoleBinding,
  group,
  RBAC,
  type RuleOf,
  role,
  roleBinding,
  user,
} from './support/access.ts'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { configMap, paths } from './support/objects.ts'
import { eventually } from './support/wait.ts'

let cluster: ClusterUnderTest
let namespace: string
let who: string
let made = 0

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  namespace = await freshNamespace(cluster)
  who = `suite:${namespace}`
})

const unique = (name: string) => `${name}-${namespace}-${made++}`
const as = (name: string, groups?: readonly string[]) =>
  actingAs(cluster.client, { user: name, ...(groups === undefined ? {} : { groups }) })
const rolesPath = () => `${RBAC}/namespaces/${namespace}/roles`
const bindingsPath = () => `${RBAC}/namespaces/${namespace}/rolebindings`

async function created(path: string, body: unknown): Promise<void> {
  expect(await cluster.client.post(path, body)).toMatchObject({ status: 201 })
}

/** Gives the user of this test the rules, in its namespace. */
async function grant(...rules: Parameters<typeof role>[1]): Promise<void> {
  const name = unique('granted')
  await created(rolesPath(), role(name, rules))
  await created(bindingsPath(), roleBinding(name, `Role/${name}`, user(who)))
  for (const {
    apiGroups: [group] = [],
    resources: [resource] = [],
    verbs: [verb],
    resourceNames: [named] = [],
  } of rules) {
    await eventually(async () =>
      expect(await allowed(who, { verb, group, resource, name: named, namespace })).toBe(true),
    )
  }
}

const configmaps = (...verbs: string[]) => ({ apiGroups: [''], resources: ['configmaps'], verbs })
const allowed = async (name: string, resourceAttributes: object, groups: readonly string[] = []) => {
  const review = { spec: { user: name, groups, resourceAttributes } }
  const { body } = await cluster.client.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', review)
  return (body.status as { allowed: boolean }).allowed
}

describe('a refusal says who may not do what', () => {
  test.each([
    [
      '/api/v1/namespaces/NS/secrets/x',
      'secrets "x" is forbidden: User "WHO" cannot get resource "secrets" in API group "" in the namespace "NS"',
    ],
    [
      '/api/v1/namespaces/NS/secrets',
      'secrets is forbidden: User "WHO" cannot list resource "secrets" in API group "" in the namespace "NS"',
    ],
    [
      '/api/v1/secrets',
      'secrets is forbidden: User "WHO" cannot list resource "secrets" in API group "" at the cluster scope',
    ],
    [
      '/api/v1/nodes/n',
      'nodes "n" is forbidden: User "WHO" cannot get resource "nodes" in API group "" at the cluster scope',
    ],
    [
      '/api/v1/namespaces/NS',
      'namespaces "NS" is forbidden: User "WHO" cannot get resource "namespaces" in API group "" in the namespace "NS"',
    ],
    [
      '/apis/apps/v1/namespaces/NS/deployments/d/scale',
      'deployments.apps "d" is forbidden: User "WHO" cannot get resource "deployments/scale" in API group "apps" in the namespace "NS"',
    ],
    [
      '/api/v1/namespaces/NS/pods?watch=true',
      'pods is forbidden: User "WHO" cannot watch resource "pods" in API group "" in the namespace "NS"',
    ],
    ['/metrics', 'forbidden: User "WHO" cannot get path "/metrics"'],
  ])('%s', async (path, message) => {
    const fill = (text: string) => text.replaceAll('NS', namespace).replaceAll('WHO', who)
    const { status, body } = await as(who).get(fill(path))
    expect([status, body.kind, body.reason, body.message]).toEqual([403, 'Status', 'Forbidden', fill(message)])
  })

  test('of a write too, before the body is looked at', async () => {
    const { status, body } = await as(who).post(paths(namespace).configmaps, { nonsense: true })
    expect(status).toBe(403)
    expect(body.details).toMatchObject({ kind: 'configmaps' })
  })
})

describe('roles', () => {
  test('give what they say, in their namespace only', async () => {
    await grant(configmaps('create', 'get'))
    const other = await freshNamespace(cluster)
    expect((await as(who).post(paths(namespace).configmaps, configMap('a'))).status).toBe(201)
    expect((await as(who).get(`${paths(namespace).configmaps}/a`)).status).toBe(200)
    expect((await as(who).get(paths(namespace).configmaps)).status).toBe(403)
    expect((await as(who).delete(`${paths(namespace).configmaps}/a`)).status).toBe(403)
    expect((await as(who).post(paths(other).configmaps, configMap('a'))).status).toBe(403)
  })

  test('may name the objects', async () => {
    await created(paths(namespace).configmaps, configMap('mine'))
    await grant({ ...configmaps('get', 'list'), resourceNames: ['mine'] })
    const at = paths(namespace).configmaps
    expect((await as(who).get(`${at}/mine`)).status).toBe(200)
    expect((await as(who).get(`${at}/other`)).status).toBe(403)
    expect((await as(who).get(at)).status).toBe(403)
    expect((await as(who).get(`${at}?fieldSelector=metadata.name%3Dmine`)).status).toBe(200)
  })

  test('an apply that would create needs create, one that changes does not', async () => {
    await grant(configmaps('patch'))
    const path = `${paths(namespace).configmaps}/applied`
    expect(await as(who).apply(path, configMap('applied'))).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining(`User "${who}" cannot create resource "configmaps"`) },
    })
    await created(paths(namespace).configmaps, configMap('applied'))
    expect((await as(who).apply(path, configMap('applied', { a: 'b' }))).status).toBe(200)
  })

  test('a ClusterRole bound in a namespace gives nothing elsewhere; bound to the cluster, it does', async () => {
    const name = unique('wide')
    await created(`${RBAC}/clusterroles`, clusterRole(name, [configmaps('list')]))
    await created(bindingsPath(), roleBinding(name, `ClusterRole/${name}`, group(name)))
    const asked = { verb: 'list', resource: 'configmaps' }
    await eventually(async () => expect(await allowed(who, { ...asked, namespace }, [name])).toBe(true))
    expect(await allowed(who, asked, [name])).toBe(false)
    await created(`${RBAC}/clusterrolebindings`, clusterRoleBinding(name, name, group(name)))
    await eventually(async () => expect(await allowed(who, asked, [name])).toBe(true))
    await cluster.client.delete(`${RBAC}/clusterrolebindings/${name}`)
    await cluster.client.delete(`${RBAC}/clusterroles/${name}`)
  })

  test('view sees no Secrets, edit does not make roles, admin does, and none of them leaves the namespace', async () => {
    const can = async (of: string, attributes: object) => allowed(`${who}:${of}`, { namespace, ...attributes })
    for (const of of ['view', 'edit', 'admin']) {
      await created(bindingsPath(), roleBinding(of, `ClusterRole/${of}`, user(`${who}:${of}`)))
    }
    const roles = { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'roles' }
    const deploy = { verb: 'patch', group: 'apps', resource: 'deployments' }
    const secrets = { verb: 'get', resource: 'secrets' }
    const table = { deploy, secrets, roles, elsewhere: { ...secrets, namespace: 'kube-system' } }
    const seen = async (of: string) => Promise.all(Object.values(table).map((attributes) => can(of, attributes)))
    await eventually(async () => expect(await seen('admin')).toEqual([true, true, true, false]))
    await eventually(async () => expect(await seen('edit')).toEqual([true, true, false, false]))
    expect(await allowed(`${who}:view`, { verb: 'list', resource: 'configmaps', namespace })).toBe(true)
    expect(await seen('view')).toEqual([false, false, false, false])
  })

  test('view holds what it holds on any cluster', async () => {
    const view = async () => (await cluster.client.get(`${RBAC}/clusterroles/view`)).body.rules as readonly RuleOf[]
    const of = (group: string, rules: readonly RuleOf[]) => {
      const found = rules.filter(({ apiGroups }) => apiGroups?.includes(group))
      return [...new Set(found.flatMap(({ resources = [] }) => resources))].sort()
    }
    const claims = ['resourceclaims', 'resourceclaims/status', 'resourceclaimtemplates']
    await eventually(async () => expect(of('resource.k8s.io', await view())).toEqual(claims))
    const rules = await view()
    expect(of('batch', rules)).toEqual(['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'])
    expect(of('extensions', rules)).toHaveLength(12)
    expect(of('', rules)).toHaveLength(20)
    expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']))
  })

  test('that collect others follow them', async () => {
    const [all, part] = [unique('all'), unique('part')]
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [`suite/${all}`]: 'true' } }] }
    await created(`${RBAC}/clusterroles`, clusterRole(all, [], { aggregationRule }))
    const metadata = { name: part, labels: { [`suite/${all}`]: 'true' } }
    await created(`${RBAC}/clusterroles`, clusterRole(part, [configmaps('get')], { metadata }))
    await created(bindingsPath(), roleBinding(all, `ClusterRole/${all}`, user(who)))
    await eventually(async () =>
      expect(await allowed(who, { verb: 'get', resource: 'configmaps', namespace })).toBe(true),
    )
    for (const name of [all, part]) await cluster.client.delete(`${RBAC}/clusterroles/${name}`)
  })
})

describe('nobody gives away more than they hold', () => {
  const ofRoles = (...verbs: string[]) => ({
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs,
  })

  test('in a role', async () => {
    await grant(ofRoles('create', 'update', 'get'), configmaps('get'))
    expect((await as(who).post(rolesPath(), role('fits', [configmaps('get')]))).status).toBe(201)
    const { status, body } = await as(who).post(rolesPath(), role('more', [configmaps('get', 'delete')]))
    expect([status, body.reason]).toEqual([403, 'Forbidden'])
    expect(body.message).toContain(`roles.rbac.authorization.k8s.io "more" is forbidden: user "${who}"`)
    expect(body.message).toContain('is attempting to grant RBAC permissions not currently held:\n')
    expect(body.message).toContain('{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}')
    const { body: fits } = await as(who).get(`${rolesPath()}/fits`)
    expect((await as(who).put(`${rolesPath()}/fits`, { ...fits, rules: [configmaps('*')] })).status).toBe(403)
  })

  test('in a binding, to cluster-admin in the own namespace too', async () => {
    await grant(ofRoles('create'), configmaps('get'))
    const bind = (name: string, ref: string) => as(who).post(bindingsPath(), roleBinding(name, ref, user('anybody')))
    await created(rolesPath(), role('little', [configmaps('get')]))
    await eventually(async () => expect((await bind('little', 'Role/little')).status).toBe(201))
    const refused = await bind('evil', 'ClusterRole/cluster-admin')
    expect([refused.status, refused.body.reason]).toEqual([403, 'Forbidden'])
    expect((await cluster.client.get(`${bindingsPath()}/evil`)).status).toBe(404)
    expect((await bind('nothing', 'Role/nothing')).status).toBe(404)
  })

  test('unless they may escalate or bind', async () => {
    await grant(ofRoles('create', 'escalate'), {
      ...ofRoles('bind'),
      resources: ['clusterroles'],
      resourceNames: ['view'],
    })
    expect((await as(who).post(rolesPath(), role('more', [configmaps('*')]))).status).toBe(201)
    const bind = (ref: string) => as(who).post(bindingsPath(), roleBinding(ref, `ClusterRole/${ref}`, user('anybody')))
    expect((await bind('view')).status).toBe(201)
    expect((await bind('edit')).status).toBe(403)
  })
})

describe('acting as somebody else', () => {
  const impersonate = (resource: string, ...resourceNames: string[]) => ({
    ...{ apiGroups: [''], resources: [resource], verbs: ['impersonate'] },
    ...(resourceNames.length === 0 ? {} : { resourceNames }),
  })
  const authority = '/api/v1/namespaces'

  /** A ServiceAccount with these rules on the whole cluster, and its token. */
  async function account(...rules: Parameters<typeof clusterRole>[1]) {
    const name = unique('operator')
    await created(`${authority}/${namespace}/serviceaccounts`, { metadata: { name } })
    await created(`${RBAC}/clusterroles`, clusterRole(name, rules))
    await created(
      `${RBAC}/clusterrolebindings`,
      clusterRoleBinding(name, name, { kind: 'ServiceAccount', name, namespace }),
    )
    const asked = await cluster.client.post(`${authority}/${namespace}/serviceaccounts/${name}/token`, { spec: {} })
    expect(asked.status).toBe(201)
    return { name, token: (asked.body.status as { token: string }).token }
  }

  test('a token of a ServiceAccount is that account', async () => {
    const { name, token } = await account(configmaps('list'))
    const self = actingAs(cluster.client, {}, token)
    const { body } = await self.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {})
    const { userInfo } = body.status as { userInfo: { username: string; groups: string[] } }
    expect(userInfo.username).toBe(`system:serviceaccount:${namespace}:${name}`)
    expect(userInfo.groups).toEqual(
      expect.arrayContaining(['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']),
    )
    await eventually(async () => expect((await self.get('/api/v1/configmaps')).status).toBe(200))
    expect((await self.get('/api/v1/secrets')).status).toBe(403)
    expect((await actingAs(cluster.client, {}, `${token}x`).get('/api/v1/configmaps')).status).toBe(401)
  })

  test('needs the verb for the user and for each group, by name', async () => {
    const { name, token } = await account(impersonate('users', who), impersonate('groups', 'suite:tenants'))
    const acting = (impersonation: { user?: string; groups?: string[] }) =>
      actingAs(cluster.client, impersonation, token).get('/version')
    await eventually(async () => expect((await acting({ user: who, groups: ['suite:tenants'] })).status).toBe(200))
    const me = `system:serviceaccount:${namespace}:${name}`
    expect((await acting({ user: 'somebody' })).body.message).toBe(
      `users "somebody" is forbidden: User "${me}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    )
    expect((await acting({ user: who, groups: ['suite:tenants', 'system:masters'] })).body.message).toBe(
      `groups "system:masters" is forbidden: User "${me}" cannot impersonate resource "groups" in API group "" at the cluster scope`,
    )
    const nameless = await acting({ groups: ['suite:tenants'] })
    expect([nameless.status, nameless.body.reason]).toEqual([400, 'BadRequest'])
    expect(nameless.body.message).toBe('requested [{Group  suite:tenants    }] without impersonating a user')
    expect((await actingAs(cluster.client, { user: 'nobody:at:all' }).get('/api/v1/secrets')).status).toBe(403)
  })

  test('takes the rights of that user and no others', async () => {
    await grant(configmaps('list'))
    const self = async (resourceAttributes: object) => {
      const review = { spec: { resourceAttributes } }
      const { body } = await as(who, ['a', 'b']).post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)
      return (body.status as { allowed: boolean }).allowed
    }
    expect(await self({ verb: 'list', resource: 'configmaps', namespace })).toBe(true)
    expect(await self({ verb: 'list', resource: 'secrets', namespace })).toBe(false)
    const { body } = await as(who, ['a', 'b']).post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {})
    const { userInfo } = body.status as { userInfo: { username: string; groups: string[] } }
    expect([userInfo.username, userInfo.groups.toSorted()]).toEqual([who, ['a', 'b', 'system:authenticated']])
  })
})
