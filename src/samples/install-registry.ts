import { type Api, get, post, type Say } from './client.ts'
import {
  type SampleComponent,
  type SampleVersion,
  sampleComponents,
  samplePathOf,
  samplePaths,
  sampleVersionOf,
  sampleVersions,
} from './registry.ts'

const base = '/api/v1/registry'

/**
 * Registers the sample components with their versions and paths through the public API, unless there are components
 * already. Says each. Returns false when something was refused; what is there stays.
 */
export async function installSampleRegistry(api: Api, say: Say): Promise<boolean> {
  const known = await get<readonly unknown[]>(api, `${base}/components?limit=1`)
  if (known.length > 0) return true
  let fine = true
  for (const component of sampleComponents) fine = (await installComponent(api, component, say)) && fine
  return fine
}

async function installComponent(api: Api, component: SampleComponent, say: Say): Promise<boolean> {
  const id = await create(api, `${base}/components`, component)
  const versions = id === null ? null : await addVersions(api, component, id)
  const paths = versions === null ? null : await addPaths(api, versions)
  const told = `${sampleVersions.length} versions, ${samplePaths.length} upgrade paths`
  say(`  component ${component.name}: ${paths === null ? 'not complete' : told}`)
  return paths !== null
}

type VersionIds = ReadonlyMap<SampleVersion, string>

/** The ids of the versions; null when one was refused. */
async function addVersions(api: Api, component: SampleComponent, id: string): Promise<VersionIds | null> {
  const ids = new Map<SampleVersion, string>()
  for (const version of sampleVersions) {
    const made = await create(api, `${base}/components/${id}/versions`, sampleVersionOf(component, version))
    if (made === null) return null
    ids.set(version, made)
  }
  return ids
}

async function addPaths(api: Api, versions: VersionIds): Promise<true | null> {
  for (const [from, to] of samplePaths) {
    const ends = { fromVersionId: versions.get(from), toVersionId: versions.get(to) }
    if ((await create(api, `${base}/upgrade-paths`, { ...ends, ...samplePathOf(to) })) === null) return null
  }
  return true
}

/** The id of what was made; null when it was refused. */
async function create(api: Api, path: string, body: object): Promise<string | null> {
  const answer = await post(api, path, body)
  const made = (await answer.json()) as { readonly id?: string }
  return answer.status === 201 ? (made.id ?? null) : null
}
