import type { Container, PodSpec } from '../model.ts'
import { quantity } from '../quantity.ts'

/** Amounts by the name of what they are of. */
export type Usage = Readonly<Record<string, number>>

type Kind = 'requests' | 'limits'

/**
 * What a pod asks for in all: the sum over its containers and sidecars, or what one init container needs if that is
 * more, since those run before the others. A request that is not given is the limit.
 */
export function podResources(spec: PodSpec): { readonly requests: Usage; readonly limits: Usage } {
  return { requests: totalOf(spec, 'requests'), limits: totalOf(spec, 'limits') }
}

/** What one container asks for. */
export function containerResources({ resources }: Container, kind: Kind): Usage {
  const asked = { ...(kind === 'requests' ? resources?.limits : {}), ...resources?.[kind] }
  return Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, quantity(value)]))
}

function totalOf({ containers, initContainers = [] }: PodSpec, kind: Kind): Usage {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const first = initContainers.filter(({ restartPolicy }) => restartPolicy !== 'Always')
  const running = [...containers, ...sidecars].map((each) => containerResources(each, kind)).reduce(sum, {})
  return first.map((each) => containerResources(each, kind)).reduce(larger, running)
}

const sum = (a: Usage, b: Usage): Usage => merged(a, b, (x, y) => x + y)
const larger = (a: Usage, b: Usage): Usage => merged(a, b, Math.max)

function merged(a: Usage, b: Usage, join: (x: number, y: number) => number): Usage {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return Object.fromEntries(names.map((name) => [name, join(a[name] ?? 0, b[name] ?? 0)]))
}
