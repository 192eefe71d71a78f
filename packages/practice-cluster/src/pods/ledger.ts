import { findCondition } from '../controllers/conditions.ts'
import { millis } from '../controllers/decision.ts'
import type { ContainerStatus, Pod } from '../controllers/model.ts'
import { isFinished } from '../controllers/pod-state.ts'
import { podResources, type Usage } from '../controllers/policy/requests.ts'
import { jsonEqual } from '../store/equal.ts'

/** What the kubelet and the scheduler would have to look for in all pods; it follows from the stored ones. */
export class PodLedger {
  readonly #now: () => number
  /** When a container's status changed, by pod and container, more exact than the whole seconds that are stored. */
  readonly #since = new Map<string, Map<string, number>>()
  readonly #used = new Map<string, Record<string, number>>()
  readonly #addresses = new Map<string, string>()
  readonly #waiting = new Map<string, Pod>()
  #next = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes in one change of a pod; `old` is what it was before, `pod` undefined when it is gone. */
  observe(old: Pod | undefined, pod: Pod | undefined): void {
    if (old !== undefined) this.#count(old, -1)
    if (pod !== undefined) this.#count(pod, 1)
    if (old !== undefined && pod !== undefined) this.#note(old, pod)
    const uid = (pod ?? old)?.metadata.uid ?? ''
    if (pod === undefined) this.#forget(uid, old)
    else this.#keep(pod)
  }

  /** Since when a container is as its status says, or '' for since when the pod is being deleted. */
  since(pod: Pod, container: string): number {
    return this.#since.get(pod.metadata.uid)?.get(container) ?? storedSince(pod, container)
  }

  used(node: string): Usage {
    return this.#used.get(node) ?? {}
  }

  /** The pods that have no node yet. */
  waiting(): readonly Pod[] {
    return [...this.#waiting.values()]
  }

  /** An address that no other pod has. */
  freeAddress(): string {
    for (;;) {
      this.#next = (this.#next % 65_000) + 1
      const ip = `10.244.${this.#next >> 8}.${this.#next & 255}`
      if (!this.#addresses.has(ip)) return ip
    }
  }

  #keep(pod: Pod): void {
    if (!pod.spec.nodeName) this.#waiting.set(pod.metadata.uid, pod)
    else this.#waiting.delete(pod.metadata.uid)
    if (pod.status?.podIP !== undefined) this.#addresses.set(pod.status.podIP, pod.metadata.uid)
  }

  #forget(uid: string, old: Pod | undefined): void {
    this.#since.delete(uid)
    this.#waiting.delete(uid)
    if (old?.status?.podIP !== undefined) this.#addresses.delete(old.status.podIP)
  }

  #count(pod: Pod, sign: 1 | -1): void {
    const { nodeName } = pod.spec
    if (!nodeName || isFinished(pod)) return
    const used = this.#used.get(nodeName) ?? {}
    for (const [name, value] of Object.entries({ ...podResources(pod.spec).requests, pods: 1 })) {
      used[name] = (used[name] ?? 0) + sign * value
    }
    this.#used.set(nodeName, used)
  }

  #note(old: Pod, pod: Pod): void {
    const before = new Map(statusesOf(old).map((status) => [status.name, status]))
    const changed = statusesOf(pod).filter((status) => !jsonEqual(before.get(status.name), status))
    const names = changed.map(({ name }) => name)
    const deleted = pod.metadata.deletionTimestamp !== undefined && old.metadata.deletionTimestamp === undefined
    if (names.length === 0 && !deleted) return
    const instants = this.#since.get(pod.metadata.uid) ?? new Map<string, number>()
    for (const name of deleted ? [...names, ''] : names) instants.set(name, this.#now())
    this.#since.set(pod.metadata.uid, instants)
  }
}

const statusesOf = ({ status }: Pod): readonly ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
]

/** The best that the stored times say, after a restart of the process. */
function storedSince(pod: Pod, container: string): number {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata
  if (container === '') return millis(deletionTimestamp) - deletionGracePeriodSeconds * 1000
  const { state, lastState, ready } = statusesOf(pod).find(({ name }) => name === container) ?? {}
  if (ready === true) return millis(findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime)
  const ended = state?.terminated?.finishedAt ?? (state?.waiting && lastState?.terminated?.finishedAt)
  return millis(state?.running?.startedAt ?? ended ?? pod.status?.startTime)
}
