import { type Api, get, post, type Say } from './client.ts'
import { type SampleRelease, type SampleTenant, sampleReleases, sampleTenants } from './fleet.ts'
import { installSampleRegistry } from './install-registry.ts'

/** How far an installation is with its sample fleet: null where none was ever begun. */
export type SampleStage = 'begun' | 'done' | null

/** Remembers it from one start to the next. */
export type SampleMemory = {
  read(): Promise<SampleStage>
  write(stage: 'begun' | 'done'): Promise<void>
}

/**
 * Installs the sample fleet through the public API, as any client would, with the components, versions and upgrade paths
 * of its charts; each unless there are some already. One that an earlier start began and did not finish gets what is
 * missing; what is there is never touched. Says each step. Returns false when something could not be installed; the next
 * start tries again.
 */
export async function installSamples(api: Api, memory: SampleMemory, say: Say): Promise<boolean> {
  const stage = await memory.read()
  const { total } = await get<{ total: number }>(api, '/api/v1/helm/releases/summary')
  if (stage === 'done' || (stage === null && total > 0)) {
    say(`The fleet has ${total} releases from an earlier start; the sample fleet is left as it is.`)
    return stage === 'done' || installSampleRegistry(api, say)
  }
  await memory.write('begun')
  const fleet = await installSampleFleet(api, stage, say)
  const fine = (await installSampleRegistry(api, say, { complete: stage === 'begun' })) && fleet
  if (fine) await memory.write('done')
  return fine
}

async function installSampleFleet(api: Api, stage: SampleStage, say: Say): Promise<boolean> {
  say(
    stage === null
      ? 'The cluster is empty: installing a sample fleet of four tenants, with real helm.'
      : 'An earlier start did not finish the sample fleet: installing what is missing.',
  )
  const known = stage === null ? new Set<string>() : await knownReleases(api)
  const outcomes = await Promise.all(sampleTenants.map((tenant) => installTenant(api, tenant, known, say)))
  return outcomes.every((outcome) => outcome)
}

type Known = ReadonlySet<string>
const placeOf = ({ namespace, releaseName }: { readonly namespace: string; readonly releaseName: string }): string =>
  `${namespace}/${releaseName}`

/** Every release that there is or was: who uninstalled one does not want it back. */
async function knownReleases(api: Api): Promise<Known> {
  type Listed = { readonly namespace: string; readonly releaseName: string }
  const there = await get<readonly Listed[]>(api, '/api/v1/helm/releases')
  const gone = await get<readonly Listed[]>(api, '/api/v1/helm/releases?status=UNINSTALLED')
  return new Set([...there, ...gone].map(placeOf))
}

/** A tenant's releases one after another, so that its namespace is claimed once; tenants side by side. */
async function installTenant(api: Api, tenant: SampleTenant, known: Known, say: Say): Promise<boolean> {
  let fine = await registerTenant(api, tenant, say)
  const { namespace } = tenant
  const own = sampleReleases.filter((each) => each.tenant === tenant.name)
  for (const release of own.filter((each) => !known.has(placeOf({ namespace, releaseName: nameOf(each) })))) {
    fine = (await installRelease(api, tenant, release, say)) && fine
  }
  return fine
}

/** Under a name that says who it is; one that is there already is fine. */
async function registerTenant(api: Api, { id, name, namespace }: SampleTenant, say: Say): Promise<boolean> {
  const answer = await post(api, '/api/v1/tenants', { id, name, namespaces: [namespace] })
  const fine = answer.ok || answer.status === 409
  if (!fine) say(`  tenant ${name}: not registered (${answer.status})`)
  return fine
}

const nameOf = ({ tenant, chartName }: SampleRelease): string => `${tenant}-${chartName.replace(/^matih-/, '')}`

async function installRelease(api: Api, tenant: SampleTenant, release: SampleRelease, say: Say): Promise<boolean> {
  const { chartName, chartVersion, valuesOverride } = release
  const releaseName = nameOf(release)
  const body = {
    tenantId: tenant.id,
    releaseName,
    namespace: tenant.namespace,
    chartName,
    chartVersion,
    valuesOverride,
  }
  const answer = await post(api, '/api/v1/helm/releases', { ...body, description: 'sample fleet' })
  const outcome = (await answer.json()) as { status?: string | number; detail?: string }
  const what = `${tenant.namespace}/${releaseName} ${chartName} ${chartVersion}`
  say(answer.ok ? `  ${what}: ${outcome.status}` : `  ${what}: not installed (${outcome.detail})`)
  return answer.ok
}
