import { setTimeout as sleep } from 'node:timers/promises'
import type { Execution, UpgradeHandle } from '../../support/upgrades.ts'
import type { Fleet, FleetPod } from './fleet.ts'

/** What was seen at one moment: the cluster first, Flotilla's word for it after. */
export type Sample = {
  readonly pods: readonly FleetPod[]
  /** Pods of the second workload of the chart. */
  readonly second: readonly FleetPod[]
  readonly endpoints: readonly string[]
  readonly after: Execution
}

/** A promise about every moment of an execution: what is wrong with a sample, or null. */
export type Promised = (sample: Sample) => string | null

export type Sampling = {
  readonly samples: readonly Sample[]
  /** What was wrong, once each. */
  readonly broken: readonly string[]
}

const EVERY_MS = 120

/** Looks at the cluster itself, again and again, while `meanwhile` lasts. */
export async function sampled<T>(
  fleet: Fleet,
  execution: UpgradeHandle,
  promised: readonly Promised[],
  meanwhile: Promise<T>,
): Promise<Sampling & { readonly result: T }> {
  const samples: Sample[] = []
  const broken = new Set<string>()
  let over = false
  const look = async () => {
    while (!over) {
      const sample = await take(fleet, execution)
      samples.push(sample)
      for (const promise of promised) {
        const wrong = promise(sample)
        if (wrong !== null) broken.add(wrong)
      }
      await sleep(EVERY_MS)
    }
  }
  const end = meanwhile.finally(() => {
    over = true
  })
  const [result] = await Promise.all([end, look()])
  return { result, samples, broken: [...broken] }
}

async function take(fleet: Fleet, execution: UpgradeHandle): Promise<Sample> {
  const [all, endpoints] = await Promise.all([fleet.allPods(), fleet.endpoints()])
  const pods = all.filter(({ app }) => app === 'app')
  const second = all.filter(({ app }) => app !== 'app')
  return { pods, second, endpoints, after: await execution.read() }
}

const onTarget = ({ pods }: Sample, target: string) => pods.filter(({ version }) => version === target)

/** What was let go by now, whatever became of it. */
const admitted = ({ after }: Sample): number =>
  after.instances.filter(({ status }) => status !== 'PENDING' && status !== 'DRAINING').length

/** Never more pods of the target version than were admitted; of a canary never more than the canary. */
export function neverAhead(target: string): Promised {
  return (sample) => {
    const count = onTarget(sample, target).length
    const { status, canaryInstances } = sample.after
    const most = status.startsWith('CANARY_') ? Math.min(canaryInstances, admitted(sample)) : admitted(sample)
    return count <= most ? null : `${count} pods on ${target} in ${status}, and ${most} were admitted`
  }
}

/** Never fewer ready pods, and never fewer that the Service sends to. */
export function neverBelow(least: number): Promised {
  return ({ pods, endpoints, after }) => {
    const ready = pods.filter((pod) => pod.ready).length
    if (ready < least) return `${ready} ready in ${after.status}, ${least} are promised`
    return endpoints.length < least ? `${endpoints.length} endpoints in ${after.status}, ${least} are promised` : null
  }
}

/** Never more instances in flight than a batch: by Flotilla's word, and by the new pods that are not ready yet. */
export function neverMoreThanABatch(size: number, target: string): Promised {
  return (sample) => {
    const coming = onTarget(sample, target).filter((pod) => !pod.ready).length
    const { inFlight } = sample.after.progress
    const most = Math.max(coming, inFlight)
    return most <= size ? null : `${inFlight} in flight and ${coming} new pods not ready, a batch is ${size}`
  }
}

/** Pods of the previous version are those of the beginning: nobody restarts them. */
export function untouchedStay(original: readonly string[], previous: string): Promised {
  const known = new Set(original)
  return ({ pods }) => {
    const strange = pods.filter(({ version, uid }) => version === previous && !known.has(uid))
    return strange.length === 0 ? null : `restarted on ${previous}: ${strange.map(({ name }) => name).join(', ')}`
  }
}

/** The versions that the Service sends to, of the pods that are not on their way out. */
const served = ({ pods, endpoints }: Pick<Sample, 'pods' | 'endpoints'>): ReadonlySet<string> =>
  new Set(pods.filter(({ uid }) => endpoints.includes(uid)).map(({ version }) => version))

/** Traffic goes to the new version only when all of it has passed. */
export function onlyPassedServe(target: string): Promised {
  return (sample) => {
    const { status, instances } = sample.after
    if (!served(sample).has(target) || instances.every((instance) => instance.status === 'COMPLETED')) return null
    return `${target} is served in ${status} and has not passed`
  }
}

/** Traffic goes to one version only, and to the new one only when all of it has passed. */
export function oneSideServes(target: string): Promised {
  const passed = onlyPassedServe(target)
  return (sample) => {
    const versions = [...served(sample)].toSorted()
    return versions.length > 1 ? `${versions.join(' and ')} are served in ${sample.after.status}` : passed(sample)
  }
}

/** The second workload of the chart moves after the last instance. */
export function secondFollows(target: string, original: readonly string[]): Promised {
  const known = new Set(original)
  return ({ second, after }) => {
    const moved = second.filter(({ version, uid }) => version === target || !known.has(uid)).length
    const waits = after.instances.some(({ status }) => status !== 'COMPLETED')
    return moved > 0 && waits ? `${moved} pods of the second workload ran ahead in ${after.status}` : null
  }
}
