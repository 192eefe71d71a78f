import type { KubeObject } from '../../store/types.ts'

type Terminated = { readonly reason?: string; readonly exitCode?: number; readonly finishedAt?: string }
type ContainerStatus = {
  readonly name?: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: {
    readonly waiting?: { readonly reason?: string }
    readonly terminated?: Terminated
    readonly running?: object
  }
  readonly lastState?: { readonly terminated?: Terminated }
}
type PodStatus = {
  readonly phase?: string
  readonly reason?: string
  readonly conditions?: readonly Values[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}
type Values = Readonly<Record<string, unknown>>

const statusOf = (pod: KubeObject): PodStatus => (pod.status ?? {}) as PodStatus

/** `1/2`: how many containers of a pod are ready. */
export function countReady(pod: KubeObject): string {
  const { containers = [] } = (pod.spec ?? {}) as { containers?: unknown[] }
  const ready = (statusOf(pod).containerStatuses ?? []).filter((each) => each.ready === true)
  return `${ready.length}/${containers.length}`
}

/** What kubectl shows as a pod's status: what its containers are at, or its phase. */
export function waitingReason(pod: KubeObject): string {
  const { phase = 'Unknown', reason = phase, containerStatuses = [] } = statusOf(pod)
  const ended = phase === 'Succeeded' || phase === 'Failed'
  if (pod.metadata.deletionTimestamp !== undefined && !ended) return 'Terminating'
  const initializing = initReason(pod)
  if (initializing !== undefined) return initializing
  const reasons = containerStatuses.flatMap(({ state }) => state?.waiting?.reason ?? endReason(state?.terminated) ?? [])
  const [first] = reasons
  if (first !== 'Completed') return first ?? reason
  const running = containerStatuses.some((each) => each.ready === true && each.state?.running !== undefined)
  const failed = containerStatuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)?.state?.terminated
  return running ? 'Running' : (endReason(failed) ?? first)
}

const endReason = (ended: Terminated | undefined): string | undefined =>
  ended === undefined ? undefined : (ended.reason ?? `ExitCode:${ended.exitCode ?? 0}`)

/** `Init:0/2`, `Init:Error`… while the init containers have not all ended well. */
function initReason(pod: KubeObject): string | undefined {
  const all = statusOf(pod).initContainerStatuses ?? []
  const open = all.findIndex(({ state }) => state?.terminated === undefined || (state.terminated.exitCode ?? 0) !== 0)
  const initialized = statusOf(pod).conditions?.some((each) => each.type === 'Initialized' && each.status === 'True')
  const state = all[open]?.state
  if (state === undefined || initialized === true) return undefined
  const waiting = state.waiting?.reason
  if (state.terminated !== undefined) return `Init:${endReason(state.terminated)}`
  return waiting === undefined || waiting === 'PodInitializing' ? `Init:${open}/${all.length}` : `Init:${waiting}`
}

/** `3 (5s ago)`: how often the containers of a pod were started again, and when last. */
export function restarts(pod: KubeObject): string {
  const all = statusOf(pod).containerStatuses ?? []
  const sum = all.reduce((total, each) => total + (each.restartCount ?? 0), 0)
  const last = all.map((each) => each.lastState?.terminated?.finishedAt ?? '').reduce((a, b) => (a > b ? a : b), '')
  return sum === 0 || last === '' ? String(sum) : `${sum} (${age(last)} ago)`
}

/** `80/TCP,443:30443/TCP` */
export function ports(list: unknown): string {
  const texts = ((list ?? []) as Values[]).map(
    ({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  )
  return texts.length === 0 ? '<none>' : texts.join(',')
}

/** `app=web,tier in (a,b)` */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = (selector ?? {}) as { matchLabels?: unknown; matchExpressions?: Values[] }
  const parts = [...labelParts(matchLabels), ...(matchExpressions ?? []).map(expression)].sort()
  return parts.length === 0 ? '<none>' : parts.join(',')
}

function expression({ key, operator, values }: Values): string {
  if (operator === 'Exists') return String(key)
  if (operator === 'DoesNotExist') return `!${key}`
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${((values ?? []) as string[]).join(',')})`
}

const labelParts = (labels: unknown): string[] =>
  Object.entries((labels ?? {}) as Values).map(([key, value]) => `${key}=${value}`)

/** `app=web,tier=front` */
export const labelText = (labels: unknown): string => labelParts(labels).sort().join(',') || '<none>'

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

/** `RWO,ROX` */
export const accessModes = (modes: unknown): string =>
  ((modes ?? []) as string[]).map((each) => MODES[each] ?? each).join(',')

/** `cpu: <unknown>/80%`: what an autoscaler measures and wants; nothing is measured here. */
export function hpaMetrics(specs: readonly Values[], measured: readonly Values[]): string {
  const texts = specs.slice(0, 2).map((each, i) => metric(each, measured[i]))
  const more = specs.length > 2 ? ` + ${specs.length - 2} more...` : ''
  return texts.length === 0 ? '<none>' : texts.join(', ') + more
}

function metric(spec: Values, measured: Values | undefined): string {
  const source = metricSource(spec)
  const target = (source.target ?? {}) as Values
  const current = (metricSource(measured ?? {}).current ?? {}) as Values
  const percent = (value: unknown) => (value === undefined ? undefined : `${value}%`)
  const now = current.averageValue ?? percent(current.averageUtilization) ?? current.value ?? '<unknown>'
  const wanted = target.averageValue ?? percent(target.averageUtilization) ?? target.value ?? '<auto>'
  return `${source.name === undefined ? '' : `${source.name}: `}${now}/${wanted}`
}

const metricSource = (metric: Values): Values =>
  (metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external ?? {}) as Values

export const ageOf = (object: KubeObject): string => age(object.metadata.creationTimestamp)

/** The time from one moment to another (or now) as kubectl shows it: `5s`, `3m10s`, `2h`, `4d`. */
export function age(from: unknown, to?: unknown): string {
  if (typeof from !== 'string') return '<unknown>'
  const end = typeof to === 'string' ? Date.parse(to) : Date.now()
  return duration(Math.max(0, Math.floor((end - Date.parse(from)) / 1000)))
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** Two units where the second still matters, as `HumanDuration` of Kubernetes words it. */
function duration(seconds: number): string {
  if (seconds < 2 * MINUTE) return `${seconds}s`
  if (seconds < 10 * MINUTE) return units(seconds, MINUTE, 'm', 1, 's')
  if (seconds < 3 * HOUR) return units(seconds, MINUTE, 'm')
  if (seconds < 8 * HOUR) return units(seconds, HOUR, 'h', MINUTE, 'm')
  if (seconds < 2 * DAY) return units(seconds, HOUR, 'h')
  if (seconds < 8 * DAY) return units(seconds, DAY, 'd', HOUR, 'h')
  if (seconds < 2 * YEAR) return units(seconds, DAY, 'd')
  return seconds < 8 * YEAR ? units(seconds, YEAR, 'y', DAY, 'd') : units(seconds, YEAR, 'y')
}

function units(seconds: number, size: number, name: string, small = size, smallName = ''): string {
  const rest = Math.floor((seconds % size) / small)
  return `${Math.floor(seconds / size)}${name}${rest === 0 ? '' : `${rest}${smallName}`}`
}
