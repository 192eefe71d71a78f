import type { KubeObject } from '../../store/types.ts'

type ContainerStatus = {
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: {
    readonly waiting?: { readonly reason?: string }
    readonly terminated?: { readonly reason?: string }
  }
}
type PodStatus = {
  readonly phase?: string
  readonly reason?: string
  readonly containerStatuses?: readonly ContainerStatus[]
}
type Values = Readonly<Record<string, unknown>>

const statusOf = (pod: KubeObject): PodStatus => (pod.status ?? {}) as PodStatus

/** `1/2`: how many containers of a pod are ready. */
export function countReady(pod: KubeObject): string {
  const { containers = [] } = (pod.spec ?? {}) as { containers?: unknown[] }
  const ready = (statusOf(pod).containerStatuses ?? []).filter((each) => each.ready === true)
  return `${ready.length}/${containers.length}`
}

/** What kubectl shows as a pod's status: why it waits, or its phase. */
export function waitingReason(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating'
  const { phase = 'Unknown', reason, containerStatuses = [] } = statusOf(pod)
  const states = containerStatuses.map(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason)
  return states.find((each) => each !== undefined) ?? reason ?? phase
}

export function restarts(pod: KubeObject): string {
  return String((statusOf(pod).containerStatuses ?? []).reduce((sum, each) => sum + (each.restartCount ?? 0), 0))
}

/** `80/TCP,443:30443/TCP` */
export function ports(list: unknown): string {
  const texts = ((list ?? []) as Values[]).map(
    ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  )
  return texts.length === 0 ? '<none>' : texts.join(',')
}

export function selectorText(selector: unknown): string {
  const { matchLabels = {} } = (selector ?? {}) as { matchLabels?: Record<string, string> }
  const parts = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  return parts.length === 0 ? '<none>' : parts.join(',')
}

export const ageOf = (object: KubeObject): string => age(object.metadata.creationTimestamp)

/** The time from one moment to another (or now) as kubectl shows it: `5s`, `3m`, `2h`, `4d`. */
export function age(from: unknown, to?: unknown): string {
  if (typeof from !== 'string') return '<unknown>'
  const end = typeof to === 'string' ? Date.parse(to) : Date.now()
  const seconds = Math.max(0, Math.floor((end - Date.parse(from)) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
