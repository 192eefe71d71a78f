import type { ManifestObject } from '../manifest.ts'
import type { KubeObject } from '../types.ts'
import { judges } from './judge.ts'
import { broken, type Judgement, waiting } from './judgement.ts'
import type { Blocker, Readiness } from './types.ts'

/** An object of a manifest and what the cluster has of it; null: it is not there. */
export type Observed = { readonly wanted: ManifestObject; readonly live: KubeObject | null }

/** True for an object that is waited for. Hooks never are: helm waits for them itself. */
export function isWaitedFor(object: ManifestObject, options: { readonly jobs: boolean }): boolean {
  if (object.hook !== null) return false
  const kind = `${object.apiVersion} ${object.kind}`
  return judges.has(kind) && (options.jobs || object.kind !== 'Job')
}

/** How far a release is, from its objects. Pure. */
export function judgeRelease(observed: readonly Observed[]): Readiness {
  const judged = observed.map((pair) => ({ object: pair.wanted, judgement: judge(pair) }))
  const blockers = judged.flatMap(({ object, judgement }) => blockerOf(object, judgement))
  return {
    ready: sum(judged.map(({ judgement }) => judgement.ready)),
    total: sum(judged.map(({ judgement }) => judgement.total)),
    settled: blockers.length === 0,
    failed: blockers.some(({ failed }) => failed),
    blockers,
  }
}

/** The objects that are not as their spec wants them yet. Pure. */
export function unsettled(observed: readonly Observed[]): readonly Observed[] {
  return observed.filter((one) => judge(one).reason !== null)
}

function judge({ wanted, live }: Observed): Judgement {
  if (live === null) return waiting('it is not there')
  if (live.metadata.deletionTimestamp !== undefined) return waiting('it is being deleted')
  const judged = judges.get(`${wanted.apiVersion} ${wanted.kind}`)
  return judged === undefined ? broken('nothing is known of this kind') : judged(live)
}

function blockerOf({ kind, name }: ManifestObject, { reason, failed }: Judgement): readonly Blocker[] {
  return reason === null ? [] : [{ object: { kind, name }, reason, failed }]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
