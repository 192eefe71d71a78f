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
 * already; with `complete` whatever of them is missing. Says each. Returns false when something was refused; what is there
 * stays.
 */
export async function installSampleRegistry(api: Api, say: Say, { complete = false } = {}): Promise<boolean> {
  const known = await get<readonly Named[]>(api, `${base}/components`)
  if (known.length > 0 && !complete) return true
  let fine = true
  for (const component of sampleComponents) {
    const there = known.find(({ name }) => name === component.name)
    fine = (await installComponent(api, component, there?.id ?? null, say)) && fine
  }
  return fine
}

type Named = { readonly id: string; readonly name: string }

async function installComponent(
  api: Api,
  component: SampleComponent,
  known: string | null,
  say: Say,
): Promise<boolean> {
  const id = known ?? (await create(api, `${base}/components`, component))
  const versions = id === null ? null : await addVersions(api, component, id)
  const paths = id === null || versions === null ? null : await addPaths(api, id, versions)
  const told = `${sampleVersions.length} versions, ${samplePaths.length} upgrade paths`
  say(`  component ${component.name}: ${paths === null ? 'not complete' : told}`)
  return paths !== null
}

type VersionIds = ReadonlyMap<SampleVersion, string>

/** The ids of the versions; null when one was refused. */
async function addVersions(api: Api, component: SampleComponent, id: string): Promise<VersionIds | null> {
  const path = `${base}/components/${id}/versions`
  const known = await get<readonly { readonly id: string; readonly version: string }[]>(api, path)
  const ids = new Map<SampleVersion, string>()
  for (const version of sampleVersions) {
    const there = known.find((each) => each.version === version)
    const made = there?.id ?? (await create(api, path, sampleVersionOf(component, version)))
    if (made === null) return null
    ids.set(version, made)
  }
  return ids
}

async function addPaths(api: Api, componentId: string, versions: VersionIds): Promise<true | null> {
  type Ends = { readonly fromVersionId: string; readonly toVersionId: string }
  const known = await get<readonly Ends[]>(api, `${base}/upgrade-paths?componentId=${componentId}`)
  for (const [from, to] of samplePaths) {
    const ends = { fromVersionId: versions.get(from), toVersionId: versions.get(to) }
    const isThere = known.some(
      (each) => each.fromVersionId === ends.fromVersionId && each.toVersionId === ends.toVersionId,
    )
    if (isThere) continue
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
