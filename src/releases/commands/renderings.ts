import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { readRevision } from '../../infra/helm/index.ts'
import type { Release } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { renderUpgrade } from '../render-upgrade.ts'
import { noSuchRelease } from './context.ts'

/** What a release is made of now, hooks too, and what a chart version would make of it with the stored overrides. */
export type Renderings = { readonly deployed: string; readonly wanted: readonly JsonObject[] }

/**
 * Renders a chart version for a release, to be compared with what is deployed; changes nothing. For Flotilla itself: it
 * may hold Secrets. Throws `Problem` of a chart that is not there or does not render, and where Helm cannot be read.
 */
export async function renderingsOf(deps: ReleaseDeps, releaseId: Uuid, chartVersion: string): Promise<Renderings> {
  const release = await releaseOf(deps, releaseId)
  const { digest } = await deps.ports.charts.resolve(release.chart, chartVersion)
  const [deployed, rendered] = await Promise.all([
    manifestOf(deps, release),
    renderUpgrade(deps, release, digest, release.values),
  ])
  return { deployed, wanted: rendered.objects.map(({ object }) => object) }
}

/** The manifest of the newest revision with its hooks, as Helm's own record has it. Throws `Problem`. */
export async function deployedManifest(deps: ReleaseDeps, releaseId: Uuid): Promise<string> {
  return manifestOf(deps, await releaseOf(deps, releaseId))
}

async function releaseOf({ db, states }: ReleaseDeps, id: Uuid): Promise<Release> {
  const state = await states.load(db, id)
  if (state === null) throw noSuchRelease(id)
  return state.release
}

async function manifestOf({ ports }: ReleaseDeps, release: Release): Promise<string> {
  const { clusterId, namespace, name, revision } = release
  const { endpoint } = ports.clusters.of(clusterId)
  const stored = await readRevision(endpoint, namespace, name, revision)
  if (stored === null)
    throw new Problem('conflict', `revision ${revision} of ${namespace}/${name} is not there any more`)
  const { manifest, hooks } = stored.record
  return [manifest, ...hooks.map((hook) => String(hook.manifest ?? ''))].join('\n---\n')
}
