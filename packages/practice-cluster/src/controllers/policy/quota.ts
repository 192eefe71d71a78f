import { types } from '../../resources/table.ts'
import type { KubeInput, KubeObject, Store } from '../../store/types.ts'
import type { Pod, PodSpec, ResourceQuota, Resources } from '../model.ts'
import { isFinished } from '../pod-state.ts'
import { formatQuantity, quantity } from '../quantity.ts'
import { containerResources, podResources, type Usage } from './requests.ts'

/** What admission says to several objects alike: how many fit, and why no more. */
export type Admission = { readonly allowed: number; readonly why: string }

/** The kinds that a quota counts under names of their own. */
const countedKinds: Readonly<Record<string, string>> = {
  Service: 'services',
  Secret: 'secrets',
  ConfigMap: 'configmaps',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  ResourceQuota: 'resourcequotas',
  ReplicationController: 'replicationcontrollers',
}

/** What an object uses of a quota, by the quota's resource names; a pod that has ended uses nothing but its place in `count/pods`. */
export function usageOf(object: KubeInput): Usage {
  const count = { [`count/${countName(object)}`]: 1 }
  if (object.kind === 'Pod') return { ...count, ...podUsage(object) }
  const plain = countedKinds[object.kind]
  return plain === undefined ? count : { ...count, [plain]: 1, ...claimUsage(object) }
}

function countName({ apiVersion, kind }: KubeInput): string {
  const type = Object.values(types).find((each) => each.kind === kind)
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
  return `${type?.plural ?? kind.toLowerCase()}${group}`
}

function podUsage(object: KubeInput): Usage {
  if (isFinished(object as Pod)) return {}
  const { requests, limits } = podResources(object.spec as PodSpec)
  const named = (prefix: string, sums: Usage) =>
    Object.fromEntries(Object.entries(sums).map(([name, value]) => [`${prefix}${name}`, value]))
  return { pods: 1, ...requests, ...named('requests.', requests), ...named('limits.', limits) }
}

function claimUsage(object: KubeInput): Usage {
  const resources = (object.spec as { resources?: { requests?: Resources } } | undefined)?.resources
  return resources?.requests?.storage === undefined ? {} : { 'requests.storage': quantity(resources.requests.storage) }
}

/** What is used of each resource that a quota limits. */
export function usedOf(hard: Resources, objects: readonly KubeObject[]): Usage {
  const used: Record<string, number> = Object.fromEntries(Object.keys(hard).map((name) => [name, 0]))
  for (const object of objects) {
    const usage = usageOf(object)
    for (const name of Object.keys(used)) used[name] = (used[name] ?? 0) + (usage[name] ?? 0)
  }
  return used
}

/** How many objects like `input` one quota lets in, and what it says to the next. */
export function quotaAdmits(quota: ResourceQuota, used: Usage, input: KubeInput, wanted: number): Admission {
  const hard = quota.spec.hard ?? {}
  const asked = usageOf(input)
  const unset = input.kind === 'Pod' ? unsetIn(input.spec as PodSpec, Object.keys(hard)) : []
  if (unset.length > 0) {
    return { allowed: 0, why: `failed quota: ${quota.metadata.name}: must specify ${unset.join('; ')}` }
  }
  const limited = Object.keys(hard).filter((name) => (asked[name] ?? 0) > 0)
  const room = (name: string) => Math.floor((quantity(hard[name]) - (used[name] ?? 0)) / (asked[name] ?? 1) + 1e-9)
  const allowed = Math.max(0, Math.min(wanted, ...limited.map(room)))
  const over = limited.filter((name) => room(name) < wanted)
  return { allowed, why: exceeded(quota, over, asked, usedAfter(used, asked, allowed)) }
}

/** The amounts of computing that a quota limits and that containers of a pod do not give, with those containers. */
function unsetIn({ containers, initContainers = [] }: PodSpec, limited: readonly string[]): readonly string[] {
  return limited.toSorted().flatMap((name) => {
    const [, kind = 'requests', what] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? []
    if (what === undefined) return []
    const all = [...initContainers, ...containers]
    const unset = all.filter((each) => containerResources(each, kind as 'requests' | 'limits')[what] === undefined)
    return unset.length === 0 ? [] : [`${name} for: ${unset.map((each) => each.name).join(',')}`]
  })
}

function usedAfter(used: Usage, asked: Usage, times: number): Usage {
  return Object.fromEntries(Object.entries(used).map(([name, value]) => [name, value + times * (asked[name] ?? 0)]))
}

function exceeded(quota: ResourceQuota, names: readonly string[], asked: Usage, used: Usage): string {
  const listed = (values: (name: string) => string) => names.map((name) => `${name}=${values(name)}`).join(',')
  const amounts = (usage: Usage) => listed((name) => formatQuantity(name, usage[name] ?? 0))
  const hard = listed((name) => String(quota.spec.hard?.[name]))
  const sums = `requested: ${amounts(asked)}, used: ${amounts(used)}, limited: ${hard}`
  return `exceeded quota: ${quota.metadata.name}, ${sums}`
}

/** The objects of a namespace that quotas count. */
export function countedObjects(store: Store, namespace: string): readonly KubeObject[] {
  return Object.values(types)
    .filter((type) => type.namespaced && type !== types.events)
    .flatMap((type) => store.list(type, namespace))
}

/**
 * Whether the quotas of its namespace let an object in, `wanted` times. The API and the controllers ask before each
 * create; the API answers 403 Forbidden with `why` when `allowed` is 0.
 */
export function admissionFor(store: Store, input: KubeInput, wanted = 1): Admission {
  const namespace = input.metadata.namespace ?? 'default'
  const quotas = store.list(types.resourcequotas, namespace) as readonly ResourceQuota[]
  if (quotas.length === 0) return { allowed: wanted, why: '' }
  const objects = countedObjects(store, namespace)
  const verdicts = quotas.map((quota) => quotaAdmits(quota, usedOf(quota.spec.hard ?? {}, objects), input, wanted))
  const tightest = verdicts.reduce((a, b) => (b.allowed < a.allowed ? b : a))
  const name = input.metadata.name ?? `${input.metadata.generateName ?? ''}`
  return { allowed: tightest.allowed, why: `${countName(input)} "${name}" is forbidden: ${tightest.why}` }
}
