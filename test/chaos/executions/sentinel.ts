import type { ClusterReader, Pod } from '../cluster-reader.ts'
import type { DatabaseReader, Hold } from '../database-reader.ts'

type Pods = Pick<ClusterReader, 'pods'>
type Holds = Pick<DatabaseReader, 'holds'>

/** What is known of the fleet of an execution from the looks so far. */
type Known = {
  /** The pods that were there before anything moved; null when the first look came too late to tell. */
  readonly before: readonly Pod[] | null
  /** How many instances its gate has let be on the target version. */
  admitted: number
  /** Pods that came since, by their version. */
  readonly came: Map<string, Set<string>>
}

/**
 * What holds at every moment while executions move pods: no more of them on the target version than the gate that was
 * committed lets be, no more of them unready than the budget, and none replaced twice. What is committed is read before
 * and after the pods: a gate is committed before it opens.
 */
export class FleetSentinel {
  readonly violations = new Set<string>()
  looks = 0
  private readonly cluster: Pods
  private readonly database: Holds
  private readonly known = new Map<string, Known>()

  constructor(cluster: Pods, database: Holds) {
    this.cluster = cluster
    this.database = database
  }

  async look(): Promise<void> {
    const before = await this.database.holds()
    const pods = await this.cluster.pods()
    const after = new Map((await this.database.holds()).map((hold) => [hold.id, hold]))
    for (const hold of before) {
      const later = after.get(hold.id)
      const own = pods.filter(({ namespace, release }) => namespace === hold.namespace && release === hold.release)
      if (later !== undefined) this.judge(hold, later, own)
    }
  }

  private judge(before: Hold, after: Hold, pods: readonly Pod[]): void {
    // It holds nothing yet: whoever likes may upgrade the release.
    if (after.status === 'PENDING') return
    const known = this.known.get(before.id) ?? { before: startOf(after, pods), admitted: 0, came: new Map() }
    this.known.set(before.id, known)
    if (known.before === null) return
    this.looks++
    known.admitted = Math.max(known.admitted, after.admitted, letsBe(before), letsBe(after))
    note(known, pods)
    for (const what of [admittedToo(known, after, pods), unreadyToo(known, after, pods), ...twice(known, after)]) {
      if (what !== null) this.violations.add(`execution ${after.id} (${after.strategy}, ${after.status}) ${what}`)
    }
  }
}

/** Stages in which no gate has let anything move yet. */
const untouched = new Set(['checking', 'closing'])

/** Who takes a frozen fleet over begins with two versions: its pods tell nothing about its own gate. */
function startOf({ stage, takes_over }: Hold, pods: readonly Pod[]): readonly Pod[] | null {
  return !takes_over && untouched.has(stage) ? pods : null
}

/** How many instances may be on the target version; without a gate, all of them once helm has run. */
function letsBe({ stage, status, position }: Hold): number {
  if (position?.kind === 'admitting') return (position.upTo ?? 0) + (position.surge ?? 0)
  if (status === 'PENDING' || untouched.has(stage)) return 0
  return position === null || position.kind === 'none' ? Number.POSITIVE_INFINITY : 0
}

function note({ before, came }: Known, pods: readonly Pod[]): void {
  for (const { uid, chartVersion } of pods) {
    if (before?.some((pod) => pod.uid === uid)) continue
    came.set(chartVersion, (came.get(chartVersion) ?? new Set()).add(uid))
  }
}

/** A release whose last upgrade failed half way has pods of the target version before any gate lets one be. */
function admittedToo({ before, admitted }: Known, hold: Hold, pods: readonly Pod[]): string | null {
  const { to_version, stage, position } = hold
  const onTarget = pods.filter(({ chartVersion, terminating }) => chartVersion === to_version && !terminating)
  const there = onTarget.length
  if (there <= admitted || onTarget.every(({ uid }) => before?.some((pod) => pod.uid === uid))) return null
  return `has ${there} pods on ${to_version} where ${admitted} were admitted (${stage}, ${JSON.stringify(position)})`
}

/** Only where all were ready at the start: what others broke is on nobody's budget. */
function unreadyToo({ before }: Known, hold: Hold, pods: readonly Pod[]): string | null {
  const { strategy, instances, percentage, stage, position } = hold
  const sound = before?.filter(({ ready }) => ready).length ?? 0
  if (strategy === 'RECREATE' || sound < instances) return null
  const budget = Math.max(1, Math.floor((instances * percentage) / 100))
  const ready = pods.filter((pod) => pod.ready && !pod.terminating).length
  if (ready >= instances - budget) return null
  return `has ${ready} of ${instances} ready, with a budget of ${budget} (${stage}, ${JSON.stringify(position)})`
}

function twice({ came }: Known, { instances }: Hold): readonly string[] {
  return [...came]
    .filter(([, pods]) => pods.size > instances)
    .map(([version, pods]) => `has made ${pods.size} pods of ${version} for ${instances} instances`)
}
