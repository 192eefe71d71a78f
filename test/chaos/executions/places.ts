import { setTimeout as sleep } from 'node:timers/promises'
import type { StubbornClient } from '../client.ts'
import { brokenVersion, type Ledger, versions } from '../lane.ts'

/** Where executions work: the releases of one tenant that they upgrade together, by a component of the registry. */
export type FleetPlace = {
  readonly tenantId: string
  readonly namespace: string
  readonly names: readonly [string, ...string[]]
  readonly chart: string
}

/** A component with the ids of its versions, by their numbers. */
export type Component = { readonly id: string; readonly versions: ReadonlyMap<string, string> }

const tenant = (n: number) => `7c0a4f0e-0000-4000-8000-00000000010${n}`

/** A Deployment behind a Service, a StatefulSet, a Deployment that no Service selects, a set of releases, and a DaemonSet. */
export const fleetPlaces: readonly FleetPlace[] = [
  { tenantId: tenant(0), namespace: 'fleet-0', names: ['engine'], chart: 'matih-query-engine' },
  { tenantId: tenant(1), namespace: 'fleet-1', names: ['store'], chart: 'matih-metadata-store' },
  { tenantId: tenant(2), namespace: 'fleet-2', names: ['ai'], chart: 'matih-ai-service' },
  { tenantId: tenant(3), namespace: 'fleet-3', names: ['one', 'two'], chart: 'matih-query-engine' },
  { tenantId: tenant(4), namespace: 'fleet-4', names: ['agent'], chart: 'matih-node-agent' },
]

/** Registers the tenants, and a component a chart with a step from each version to every later one; installs the releases. */
export async function prepareFleets(client: StubbornClient, accepted: Ledger): Promise<ReadonlyMap<string, Component>> {
  for (const { tenantId, namespace } of fleetPlaces) {
    await make(client, '/tenants', { id: tenantId, name: namespace, namespaces: [namespace] })
  }
  await Promise.all(fleetPlaces.flatMap((place) => place.names.map((name) => install(client, accepted, place, name))))
  const charts = [...new Set(fleetPlaces.map(({ chart }) => chart))]
  const components = await Promise.all(
    charts.map(async (chart) => [chart, await registerComponent(client, chart)] as const),
  )
  return new Map(components)
}

async function registerComponent(client: StubbornClient, chart: string): Promise<Component> {
  const healthEndpoint = chart === 'matih-query-engine' ? { path: '/health', port: 8080 } : undefined
  const body = { name: chart, category: 'CHAOS', chartName: chart, healthEndpoint }
  const id = await make(client, '/registry/components', body)
  const made = new Map<string, string>()
  for (const version of [...versions, brokenVersion]) {
    const toVersionId = await make(client, `/registry/components/${id}/versions`, { version, status: 'STABLE' })
    for (const fromVersionId of made.values()) {
      await make(client, '/registry/upgrade-paths', { fromVersionId, toVersionId, tested: true })
    }
    made.set(version, toVersionId)
  }
  return { id, versions: made }
}

async function install(client: StubbornClient, accepted: Ledger, place: FleetPlace, name: string): Promise<void> {
  const { tenantId, namespace, chart } = place
  const at = { tenantId, namespace, releaseName: name, chartName: chart, chartVersion: versions[0] }
  const body = { ...at, timeout: 60, valuesOverride: { replicaCount: 4, image: { tag: 'first' } } }
  const answer = await client.command('POST', '/helm/releases', body)
  const { operationId } = answer.body as { readonly operationId?: string }
  if (operationId === undefined) throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`)
  accepted.set(operationId, `install of ${namespace}`)
  const ended = async () => {
    const { body } = await client.get(`/operations/${operationId}`)
    return (body as { readonly endedAt: string | null }).endedAt !== null
  }
  while (!(await ended())) await sleep(100)
}

async function make(client: StubbornClient, path: string, body: object): Promise<string> {
  const answer = await client.command('POST', path, body)
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return (answer.body as { readonly id: string }).id
}
