import { ClusterError } from './errors.ts'
import { findLive, isOfAnother, isTerminating, type Leftover, type Owner, readClaims, whyGoing } from './gone.ts'
import { whyKept } from './kept.ts'
import { mapParallel } from './parallel.ts'
import { type Past, type PastObject, type PastRevision, readPast } from './past.ts'
import type { KubeObject, RequestOptions } from './types.ts'
import type { ReadParts } from './workloads.ts'

const AT_ONCE = 8

type Found = PastObject & { readonly live: KubeObject | null; readonly of: 'release' | 'another' | 'unknown' }

/**
 * What earlier revisions of a release have left in the cluster that is gone, and the hooks of all of them (docs/adr/0041):
 * objects that carry its mark, asked for by their names. In a namespace that is being deleted nothing stays. Throws
 * `ClusterError` when the cluster does not answer; what it will not tell is named as such.
 */
export async function readLeftBehind(
  parts: ReadParts,
  history: AsyncIterable<PastRevision>,
  { namespace, name }: Pick<Owner, 'namespace' | 'name'>,
  options: RequestOptions = {},
): Promise<readonly Leftover[]> {
  const past = await readPast(history)
  const release = { namespace, name, marked: true }
  const found = await mapParallel(past.objects, AT_ONCE, (one) => find(parts, one, release, options))
  const sets = found.filter(({ of }) => of === 'release').map(({ object }) => object)
  const left = [...found.flatMap(leftover), ...(await readClaims(parts, sets, namespace, options))]
  const why = whyUnknown(past)
  if ((left.length > 0 || why !== '') && (await isTerminating(parts, namespace, options))) return []
  return why === '' ? left : [...left, { kind: 'Release', name, why }]
}

/** What was not looked for, in words; none where all was. */
function whyUnknown({ unread, unreadable: [newest, ...others] }: Past): string {
  const lost = newest === undefined ? [] : [whyLost(newest, others.length)]
  const rest = unread === null ? [] : [`what revision ${unread} and those before it have left was not looked for`]
  return [...lost, ...rest].join('; ')
}

function whyLost(newest: number, others: number): string {
  if (others === 0) return `revision ${newest} cannot be read in full: what it has left was not looked for`
  const which = `revision ${newest} and ${others} ${others === 1 ? 'other' : 'others'}`
  return `${which} cannot be read in full: what they have left was not looked for`
}

async function find(parts: ReadParts, past: PastObject, release: Owner, options: RequestOptions): Promise<Found> {
  try {
    const live = await findLive(parts, past.object, release, options)
    return { ...past, live, of: live !== null && isOfAnother(live, release, past.object) ? 'another' : 'release' }
  } catch (error) {
    if (!(error instanceof ClusterError && error.isRefused)) throw error
    // A manifest is input: nothing is told of what lies elsewhere.
    const isHere = (past.object.namespace ?? release.namespace) === release.namespace
    return { ...past, live: null, of: isHere ? 'unknown' : 'another' }
  }
}

function leftover({ object, revision, live, of }: Found): readonly Leftover[] {
  const { kind, name } = object
  if (of === 'unknown') return [{ kind, name, why: 'whether it stays cannot be read' }]
  if (live === null || of === 'another') return []
  const { deletionTimestamp, finalizers = [] } = live.metadata
  // Nothing holds it: it goes by itself.
  if (deletionTimestamp !== undefined && finalizers.length === 0) return []
  if (deletionTimestamp !== undefined) return [{ kind, name, why: whyGoing(finalizers) }]
  return [{ kind, name, why: whyKept(object) ?? `revision ${revision} made it, and none has removed it since` }]
}
