import { resources } from '../../../src/infra/kubernetes/index.ts'
import { type Api, expectStatus, type Operation, type Release } from '../fleet/api.ts'
import { openWorld, tenants, type World } from '../fleet/world.ts'
import { eventually } from '../support/eventually.ts'
import type { Caller } from './refusal.ts'

/** A small fleet that nobody may change, and callers of tenant a. */
export type Given = {
  readonly world: World
  readonly callers: Readonly<Record<Caller, Api>>
  /** An operator of tenant b. */
  readonly foreign: Api
  readonly keys: Readonly<Record<'viewer' | 'foreign', string>>
  readonly ids: Readonly<Record<string, string>>
}

/** A component with the versions 1.0.0 and 1.1.0, the edge between them, and a rehearsal of tenant a. */
async function registered(admin: Api): Promise<Readonly<Record<string, string>>> {
  const make = async (path: string, body: object) =>
    expectStatus(await admin.post<{ readonly id: string }>(`/registry${path}`, body), 201).id
  const component = await make('/components', { name: 'small', category: 'TESTED', chartName: 'small' })
  const version = await make(`/components/${component}/versions`, { version: '1.0.0' })
  const newer = await make(`/components/${component}/versions`, { version: '1.1.0' })
  await make('/upgrade-paths', { fromVersionId: version, toVersionId: newer })
  const ends = { componentId: component, fromVersionId: version, toVersionId: newer }
  const execution = await make(`/tenants/${tenants.a}/upgrades`, { ...ends, target: { kind: 'rehearsal' } })
  return { component, version, execution }
}

/** `mine` at revision 2, `single` at its first, `gone` uninstalled, all of tenant a; `foreign` of tenant b. */
export async function openGiven(): Promise<Given> {
  const world = await openWorld({ WEBHOOK_ALLOW: '127.0.0.1' })
  const webhook = await failingWebhook(world.admin)
  const [mine, single, gone, foreign] = await Promise.all([
    world.install('a', 'mine', '1.2.0'),
    world.install('a', 'single', '1.2.0'),
    world.install('a', 'gone', '1.2.0'),
    world.install('b', 'foreign', '1.2.0'),
  ])
  expectStatus(await world.admin.post(`/helm/releases/${mine.id}/upgrade`, { valuesOverride: { color: 'red' } }), 200)
  expectStatus(await world.admin.send('DELETE', `/helm/releases/${gone.id}`), 200)
  const viewer = await world.key('viewer', ['a'])
  const foreignKey = await world.key('tenant-operator', ['b'])
  return {
    world,
    callers: {
      admin: world.admin,
      operator: await world.caller('tenant-operator', ['a']),
      viewer: world.as(viewer),
    },
    foreign: world.as(foreignKey),
    keys: { viewer, foreign: foreignKey },
    ids: {
      mine: mine.id,
      single: single.id,
      gone: gone.id,
      foreign: foreign.id,
      operation: await operationOf(world.admin, mine),
      foreignOperation: await operationOf(world.admin, foreign),
      ...(await registered(world.admin)),
      webhook,
      delivery: await deliveryOf(world.admin, webhook),
    },
  }
}

/** A webhook of tenant a that nobody answers. */
async function failingWebhook(admin: Api): Promise<string> {
  const wanted = { tenantId: tenants.a, url: 'http://127.0.0.1:9/', secret: 'a-secret-of-sixteen' }
  return expectStatus(await admin.post<{ id: string }>('/webhooks', wanted), 201).id
}

/** A delivery of the webhook; all that happened so far has one. */
async function deliveryOf(admin: Api, webhook: string): Promise<string> {
  const path = `/webhooks/${webhook}/deliveries`
  const [first] = await eventually('an event of each release has been handed on', async () => {
    const all = expectStatus(await admin.get<{ id: string; subject: { id: string } }[]>(path), 200)
    return new Set(all.map(({ subject }) => subject.id)).size >= 4 ? all : null
  })
  return first?.id ?? ''
}

async function operationOf(admin: Api, release: Release): Promise<string> {
  const [newest] = expectStatus(await admin.get<Operation[]>(`/operations?releaseId=${release.id}`), 200)
  return newest?.id ?? ''
}

/** A path with the ids in place of their names. */
export function pathOf({ ids }: Given, path: string): string {
  return path.replace(/\{([a-zA-Z]+)\}/g, (_, name: string) => ids[name] ?? name)
}

/** What changes by itself. */
const moving = (path: string): readonly string[] =>
  path === '/webhooks' ? ['failingSince', 'waitingFor'] : ['health', 'updatedAt', 'lastUsedAt']

/**
 * All that a command could change: releases, operations, events, tenants, keys, chart sources, the registry,
 * executions, and what is in the cluster. Without what changes by itself: health, whether a webhook fails, and when a key was last used.
 */
export async function everything({ world, ids }: Given): Promise<unknown> {
  const { admin, cluster } = world
  const lists = [
    '/helm/releases',
    '/helm/releases?status=UNINSTALLED',
    '/operations',
    '/tenants',
    '/api-keys',
    '/webhooks',
  ]
  const events = [ids.mine, ids.single, ids.gone, ids.foreign].map((id) => `/helm/releases/${id}/events`)
  const registry = ['/registry/components', `/registry/components/${ids.component}/versions`, '/registry/upgrade-paths']
  const upgrades = ['/registry/upgrades', `/registry/upgrades/${ids.execution}/events`, `/tenants/${tenants.a}/backups`]
  const read = async (path: string) => {
    const rows = expectStatus(await admin.get<Record<string, unknown>[]>(path), 200)
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !moving(path).includes(name))))
  }
  const [secrets, namespaces] = await Promise.all(
    [resources.secrets, resources.namespaces].map((resource) => cluster.client.listMetadata(resource, {})),
  )
  const versions = [...(secrets?.items ?? []), ...(namespaces?.items ?? [])]
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`)
    .sort()
  const all = [...lists, '/chart-sources', ...events, ...registry, ...upgrades]
  return { lists: await Promise.all(all.map(read)), versions }
}
