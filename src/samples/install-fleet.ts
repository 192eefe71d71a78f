import { type Api, get, post, type Say } from './client.ts'
import { type SampleRelease, type SampleTenant, sampleReleases, sampleTenants } from './fleet.ts'
import { installSampleRegistry } from './install-registry.ts'

/**
 * Installs the sample fleet through the public API, as any client would, with the components, versions and upgrade paths
 * of its charts; each unless there are some already. Says each step. Returns false when something could not be
 * installed; what is there stays.
 */
export async function installSamples(api: Api, say: Say): Promise<boolean> {
  const fleet = await installSampleFleet(api, say)
  return (await installSampleRegistry(api, say)) && fleet
}

async function installSampleFleet(api: Api, say: Say): Promise<boolean> {
  const { total } = await get<{ total: number }>(api, '/api/v1/helm/releases/summary')
  if (total > 0) {
    say(`The fleet has ${total} releases from an earlier start; the sample fleet is left as it is.`)
    return true
  }
  say('The cluster is empty: installing a sample fleet of four tenants, with real helm.')
  const outcomes = await Promise.all(sampleTenants.map((tenant) => installTenant(api, tenant, say)))
  return outcomes.every((outcome) => outcome)
}

/** A tenant's releases one after another, so that its namespace is claimed once; tenants side by side. */
async function installTenant(api: Api, tenant: SampleTenant, say: Say): Promise<boolean> {
  let fine = await registerTenant(api, tenant, say)
  for (const release of sampleReleases.filter((each) => each.tenant === tenant.name)) {
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

async function installRelease(api: Api, tenant: SampleTenant, release: SampleRelease, say: Say): Promise<boolean> {
  const { chartName, chartVersion, valuesOverride } = release
  const releaseName = `${tenant.name}-${chartName.replace(/^matih-/, '')}`
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
