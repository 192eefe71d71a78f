import type { Clock, Instant } from '../../core/instant.ts'
import { isJsonObject, type Json } from '../../core/json.ts'
import type { ErrorCode } from '../../core/problems.ts'
import { ActFailed, whyAborted } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import { type ForeignObject, listRecords, readRevision, UnreadableRecordError } from '../../infra/helm/index.ts'
import { type Mask, maskedSaying } from '../../infra/secrets/mask.ts'
import type { Release, ReleaseAct } from '../core/model.ts'
import { clockSkewMs } from '../evidence.ts'
import type { Clusters, UnfinishedHook } from '../ports.ts'
import { shownEvidence } from '../shown-evidence.ts'
import { awaitedHook, endOfHook, hookEvents } from './hook-names.ts'
import { quietly } from './quietly.ts'

type Parts = { readonly clusters: Clusters; readonly clock: Clock }

/**
 * Looks at an act from before it begins: an uninstall removes the record that names its hooks, and helm may delete a hook
 * that failed before it says so.
 */
export async function watchHooks({ clusters, clock }: Parts, release: Release, kind: ReleaseAct['kind']) {
  const since: Instant = clock.now() - clockSkewMs
  const events = hookEvents[kind]
  const hooksOf = hooksReader(clusters, release, events)
  const before = kind === 'uninstall' ? await quietly(hooksOf) : null
  const read = (manifest: string) => clusters.of(release.clusterId).hookEvidence(manifest, release.namespace, since)
  const manifestOf = async () => before ?? (await hooksOf())
  let deleted: HookEvidence | null = null
  return {
    /** Which hook helm waits for now, and what keeps its pod; null where the cluster shows none. Throws where it does not say. */
    awaited: async (): Promise<string | null> => {
      const manifest = events === undefined ? '' : await manifestOf()
      if (manifest === '') return null
      const { clusterId, namespace } = release
      const hooks = await clusters.of(clusterId).unfinishedHooks(manifest, namespace, since)
      const [newest] = hooks
      return newest === undefined || newest.failed ? null : awaitedHook(newest, events)
    },
    /** Looks at a Job or pod of a hook that helm is about to delete. What was made before the act is none of its hooks. */
    beforeDelete: async (object: ForeignObject): Promise<void> => {
      const manifest = events === undefined ? null : asHook(object)
      if (manifest !== null) deleted = (await quietly(() => read(manifest))) ?? deleted
    },
    /** A failure with what the hooks left behind, masked: their Jobs and pods, with events and last log lines. */
    explain: async (error: ActFailed, { signal }: ActContext, mask: Mask): Promise<ActFailed> => {
      if (events === undefined || mustStop(signal)) return error
      const hooks = await quietly(async () => {
        const manifest = await manifestOf()
        return manifest === '' ? null : read(manifest)
      })
      const found = hooks ?? deleted
      return found === null ? error : withHooks(error, shownHooks(found, events, mask))
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

/**
 * The hooks that the newest record names. A record may be of many megabytes and is looked for every other second while helm
 * is at work: one that was read, or that cannot be, is not read again.
 */
function hooksReader(clusters: Clusters, { clusterId, namespace, name }: Release, events: RegExp | undefined) {
  const { endpoint } = clusters.of(clusterId)
  let known: { readonly key: string; readonly hooks: Promise<string> } | null = null
  const read = async (version: number): Promise<string> => {
    const stored = await readRevision(endpoint, namespace, name, version)
    const hooks = (stored?.record.hooks ?? []).filter((hook) => events?.test(JSON.stringify(hook.events ?? [])))
    return hooks.map((hook) => String(hook.manifest ?? '')).join('\n---\n')
  }
  return async (): Promise<string> => {
    const { records } = await listRecords(endpoint, { namespace, release: name })
    const [newest] = [...records].sort((one, other) => other.version - one.version)
    if (newest === undefined) return ''
    const key = `${newest.uid} ${newest.resourceVersion}`
    if (known?.key === key) return known.hooks
    const hooks = read(newest.version)
    known = { key, hooks }
    try {
      return await hooks
    } catch (error) {
      // The cluster may answer the next time.
      if (!(error instanceof UnreadableRecordError)) known = null
      throw error
    }
  }
}

/** What hooks left as it may be kept: whether the one that helm was at has failed, what is told of its end, and the evidence. */
function shownHooks({ hooks: [hook], evidence }: HookEvidence, events: RegExp, mask: Mask) {
  const end = hook === undefined ? null : maskedSaying(endOfHook(hook, events), mask)
  return { failed: hook?.failed === true, end, evidence: shownEvidence({ hooks: evidence }, mask) }
}

/** Helm names a hook in its error for some acts only, and never one that it waits for: what its Job did is a fact for all. */
function withHooks(
  { result, failure }: ActFailed,
  { failed, end, evidence }: ReturnType<typeof shownHooks>,
): ActFailed {
  const code = failed && failure.code === 'helm_failed' ? 'hook_failed' : failure.code
  const said = isJsonObject(failure.evidence) ? failure.evidence : {}
  const detail = end === null || !ofHooks.has(code) ? failure.detail : `${failure.detail}; ${end}`
  return new ActFailed(result, { ...failure, code, detail, evidence: { ...said, ...evidence } })
}

/** What a hook may be the reason for. */
const ofHooks: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['hook_failed', 'timed_out', 'cancelled'])

/** What the hooks of an act left. */
type HookEvidence = { readonly hooks: readonly UnfinishedHook[]; readonly evidence: Json }
