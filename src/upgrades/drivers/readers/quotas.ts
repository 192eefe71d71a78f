import type { JsonObject } from '../../../core/json.ts'
import type { KubeObject } from '../../../infra/kubernetes/index.ts'
import { type Amounts, amountsOf, type Demand } from './demand.ts'

export type Quota = KubeObject & {
  readonly spec?: { readonly hard?: JsonObject; readonly scopes?: readonly string[]; readonly scopeSelector?: unknown }
  readonly status?: { readonly hard?: JsonObject; readonly used?: JsonObject }
}

/** How many more pods a quota lets in, and by which of its resources. */
export type QuotaRoom = {
  readonly quota: string
  readonly resource: string
  readonly left: number
  readonly pods: number
}

/** What of a quota's resources a pod takes; null: the quota does not count pods by it. */
function takenBy({ requests, limits }: Demand, resource: string): number | null {
  if (resource === 'pods' || resource === 'count/pods') return 1
  const [side, name] = resource.startsWith('requests.')
    ? [requests, resource.slice('requests.'.length)]
    : resource.startsWith('limits.')
      ? [limits, resource.slice('limits.'.length)]
      : [requests, resource]
  const counted = ['cpu', 'memory', 'ephemeral-storage'].includes(name) || side[name] !== undefined
  return counted ? (side[name] ?? 0) : null
}

/**
 * The tightest resource of each quota. One with scopes counts some pods only; which, is not looked into: it is taken to
 * count these. A pod that takes nothing of a resource is let in by it. Pure.
 */
export function quotaRooms(quotas: readonly Quota[], demand: Demand): readonly QuotaRoom[] {
  return quotas.flatMap((quota) => {
    const hard = amountsOf(quota.status?.hard ?? quota.spec?.hard ?? {})
    const rooms = Object.keys(hard).flatMap((resource) => roomIn(quota, resource, hard, demand))
    const [tightest] = rooms.toSorted((one, other) => one.pods - other.pods)
    return tightest === undefined ? [] : [tightest]
  })
}

function roomIn(quota: Quota, resource: string, hard: Amounts, demand: Demand): readonly QuotaRoom[] {
  const taken = takenBy(demand, resource)
  if (taken === null || taken === 0) return []
  const left = Math.max(0, (hard[resource] ?? 0) - (amountsOf(quota.status?.used ?? {})[resource] ?? 0))
  // Sums of fractions come a hair short of the whole.
  return [{ quota: quota.metadata.name, resource, left, pods: Math.floor(left / taken + 1e-9) }]
}
