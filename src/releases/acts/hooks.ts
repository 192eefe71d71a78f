import type { Clock, Instant } from '../../core/instant.ts'
import { isJsonObject, type Json } from '../../core/json.ts'
import { ActFailed, whyAborted } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import { type ForeignObject, listRecords, readRevision } from '../../infra/helm/index.ts'
import type { Release, ReleaseAct } from '../core/model.ts'
import { clockSkewMs } from '../evidence.ts'
import type { Clusters } from '../ports.ts'

type Parts = { readonly clusters: Clusters; readonly clock: Clock }

/** The hooks that an act may run, by what Helm calls their events. */
const eventsOf: Partial<Record<ReleaseAct['kind'], RegExp>> = {
  install: /\b(?:pre|post)-install\b/,
  upgrade: /\b(?:pre|post)-upgrade\b/,
  rollback: /\b(?:pre|post)-rollback\b/,
  uninstall: /\b(?:pre|post)-delete\b/,
}

/**
 * Looks at an act from before it begins: an uninstall removes the record that names its hooks, and helm may delete a hook
 * that failed before it says so.
 */
export async function watchHooks({ clusters, clock }: Parts, release: Release, kind: ReleaseAct['kind']) {
  const since: Instant = clock.now() - clockSkewMs
  const before = kind === 'uninstall' ? await quietly(() => hooksOf(clusters, release, kind)) : null
  const read = (manifest: string) => clusters.of(release.clusterId).hookEvidence(manifest, release.namespace, since)
  let deleted: HookEvidence | null = null
  return {
    /** Looks at a Job or pod of a hook that helm is about to delete. What was made before the act is none of its hooks. */
    beforeDelete: async (object: ForeignObject): Promise<void> => {
      const manifest = eventsOf[kind] === undefined ? null : asHook(object)
      if (manifest !== null) deleted = (await quietly(() => read(manifest))) ?? deleted
    },
    /** A failure with what the hooks left behind: their Jobs and pods, with events and last log lines. */
    explain: async (error: unknown, { signal }: ActContext): Promise<unknown> => {
      if (!(error instanceof ActFailed) || eventsOf[kind] === undefined || mustStop(signal)) return error
      const hooks = await quietly(async () => {
        const manifest = before ?? (await hooksOf(clusters, release, kind))
        return manifest === '' ? null : read(manifest)
      })
      const found = hooks ?? deleted
      return found === null ? error : withHooks(error, found)
    },
  }
}

/** Without the lease nothing that was read may be written any more. */
function mustStop(signal: AbortSignal): boolean {
  const why = whyAborted(signal)
  return why === 'lease-lost' || why === 'shutdown'
}

const kinds: Readonly<Record<string, { readonly apiVersion: string; readonly kind: string }>> = {
  'batch jobs': { apiVersion: 'batch/v1', kind: 'Job' },
  ' pods': { apiVersion: 'v1', kind: 'Pod' },
}

function asHook({ group, resource, name }: ForeignObject): string | null {
  const kind = kinds[`${group} ${resource}`]
  if (kind === undefined || name === null) return null
  return JSON.stringify({ ...kind, metadata: { name, annotations: { 'helm.sh/hook': 'deleted' } } })
}

async function hooksOf(clusters: Clusters, { clusterId, namespace, name }: Release, kind: ReleaseAct['kind']) {
  const { endpoint } = clusters.of(clusterId)
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const newest = Math.max(...records.map(({ version }) => version))
  const stored = records.length === 0 ? null : await readRevision(endpoint, namespace, name, newest)
  const events = eventsOf[kind]
  const hooks = (stored?.record.hooks ?? []).filter((hook) => events?.test(JSON.stringify(hook.events ?? [])))
  return hooks.map((hook) => String(hook.manifest ?? '')).join('\n---\n')
}

/** Helm names a hook in its error for some acts only: that its Job failed is a fact for all. */
function withHooks({ result, failure }: ActFailed, { failed, evidence }: HookEvidence): ActFailed {
  const code = failed && failure.code === 'helm_failed' ? 'hook_failed' : failure.code
  const said = isJsonObject(failure.evidence) ? failure.evidence : {}
  return new ActFailed(result, { ...failure, code, evidence: { ...said, hooks: evidence } })
}

/** What the hooks of an act left; `failed`: one of them has failed for good. */
type HookEvidence = { readonly failed: boolean; readonly evidence: Json }

/** Evidence that cannot be read must not hide the failure. */
async function quietly<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch {
    return null
  }
}
