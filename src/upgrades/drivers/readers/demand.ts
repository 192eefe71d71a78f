import type { JsonObject } from '../../../core/json.ts'
import { objectsIn, within } from '../gate/json.ts'
import { quantity } from './quantity.ts'

/** Amounts by resource: `cpu` in CPUs, `memory` in bytes, and whatever else is asked for. */
export type Amounts = Readonly<Record<string, number>>

/** What a pod asks for and is limited to. `null` in `limits`: a container has no such limit. */
export type Demand = { readonly requests: Amounts; readonly limits: Amounts }

/**
 * What the scheduler counts for a pod: the sum of its containers, or an init container that asks for more, and the
 * overhead of its runtime class. A request that is left out is the limit, as the API fills it in. Pure.
 */
export function demandOf(pod: JsonObject): Demand {
  return { requests: summed(pod, requestsOf), limits: summed(pod, limitsOf) }
}

type Read = (container: JsonObject) => Amounts

function summed(pod: JsonObject, read: Read): Amounts {
  const inits = objectsIn(pod.initContainers)
  const sidecars = inits.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const running = total([...objectsIn(pod.containers), ...sidecars].map(read))
  const highest = inits.map(read).reduce(most, running)
  return total([highest, amountsOf(within(pod, 'overhead'))])
}

const limitsOf: Read = (container) => amountsOf(within(container, 'resources', 'limits'))
const requestsOf: Read = (container) => ({
  ...limitsOf(container),
  ...amountsOf(within(container, 'resources', 'requests')),
})

/** The quantities of an object; what is none is left out. Pure. */
export function amountsOf(object: JsonObject): Amounts {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      const amount = quantity(value)
      return amount === null ? [] : [[name, amount] as const]
    }),
  )
}

/** The sum of amounts. Pure. */
export function total(all: readonly Amounts[]): Amounts {
  return all.reduce((sum, one) => combine(sum, one, (a, b) => a + b), {})
}

function most(one: Amounts, other: Amounts): Amounts {
  return combine(one, other, Math.max)
}

function combine(one: Amounts, other: Amounts, how: (a: number, b: number) => number): Amounts {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...names].map((name) => [name, how(one[name] ?? 0, other[name] ?? 0)]))
}
