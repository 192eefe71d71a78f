import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Edge, riskLevels } from './model.ts'
import { compareRoutes, countRoutes, findRoutes, type Graph, mostRoutes, type Route } from './paths.ts'

const edge = (from: number, to: number, more: Partial<Edge> = {}): Edge => ({
  id: `${from}-${to}`,
  fromVersionId: `v${from}`,
  toVersionId: `v${to}`,
  requiresDowntime: false,
  estimatedDurationMinutes: 10,
  riskLevel: 'LOW',
  tested: true,
  ...more,
})

/** Versions v0 to v(n-1), each newer than the one before; listed in an order that says nothing. */
const graphOf = (size: number, edges: readonly Edge[]): Graph => ({
  versions: Array.from({ length: size }, (_, i) => ({ id: `v${i}`, version: `1.${i}.0` })).reverse(),
  edges,
})
const named = (routes: readonly Route[]) => routes.map((route) => route.map(({ id }) => id).join(' '))

/** Every simple route, found by walking all of them. */
function everyRoute(graph: Graph, from: string, to: string, before: Route = []): readonly Route[] {
  if (before.length > 0 && from === to) return [before]
  return graph.edges
    .filter(({ fromVersionId }) => fromVersionId === from)
    .flatMap((next) => everyRoute(graph, next.toVersionId, to, [...before, next]))
}

const randomGraph = fc.integer({ min: 2, max: 7 }).chain((size) => {
  const pairs = Array.from({ length: size }, (_, to) => Array.from({ length: to }, (_, from) => [from, to] as const))
  const details = fc.record({
    requiresDowntime: fc.boolean(),
    estimatedDurationMinutes: fc.option(fc.nat(3), { freq: 3 }),
    riskLevel: fc.constantFrom(...riskLevels),
  })
  const edges = fc.tuple(...pairs.flat().map(([from, to]) => fc.option(details.map((more) => edge(from, to, more)))))
  return edges.map((chosen) => ({
    size,
    graph: graphOf(
      size,
      chosen.filter((each) => each !== null),
    ),
  }))
})

describe('against walking every route', () => {
  test('the same routes are found, the best first', () => {
    fc.assert(
      fc.property(randomGraph, fc.nat(6), fc.nat(6), ({ size, graph }, a, b) => {
        const [from, to] = [`v${a % size}`, `v${b % size}`]
        const expected = from === to ? [] : [...everyRoute(graph, from, to)].sort(compareRoutes)
        const found = findRoutes(graph, from, to)
        expect(named(found).sort()).toEqual(named(expected).sort())
        found.forEach((route, i) => {
          expect(compareRoutes(route, expected[i] ?? [])).toBe(0)
        })
        expect(countRoutes(graph, from, to)).toBe(BigInt(expected.length))
      }),
      { numRuns: 500 },
    )
  })

  test('a limit gives the beginning of the whole list', () => {
    fc.assert(
      fc.property(randomGraph, fc.integer({ min: 1, max: 5 }), ({ size, graph }, limit) => {
        const expected = [...everyRoute(graph, 'v0', `v${size - 1}`)].sort(compareRoutes).slice(0, limit)
        const found = findRoutes(graph, 'v0', `v${size - 1}`, limit)
        expect(found).toHaveLength(expected.length)
        found.forEach((route, i) => {
          expect(compareRoutes(route, expected[i] ?? [])).toBe(0)
        })
      }),
      { numRuns: 500 },
    )
  })
})

describe('the order', () => {
  const worst = { riskLevel: 'HIGH', requiresDowntime: true, estimatedDurationMinutes: 9_999 } as const
  const two = (more: Partial<Edge>): Route => [edge(0, 1), edge(1, 2, more)]

  test.each<[string, Route, Route]>([
    ['fewer steps', [edge(0, 2, worst)], two({})],
    ['less risk', two({ requiresDowntime: true, estimatedDurationMinutes: 9_999 }), two({ riskLevel: 'MEDIUM' })],
    [
      'two of medium risk before one of high',
      [edge(0, 1, { riskLevel: 'MEDIUM' }), edge(1, 2, { riskLevel: 'MEDIUM' })],
      two({ riskLevel: 'HIGH' }),
    ],
    ['less downtime', two({ estimatedDurationMinutes: 9_999 }), two({ requiresDowntime: true })],
    ['a known duration', two({ estimatedDurationMinutes: 9_999 }), two({ estimatedDurationMinutes: null })],
    ['less time', two({ estimatedDurationMinutes: 9 }), two({})],
  ])('%s', (_, better, worse) => {
    expect(compareRoutes(better, worse)).toBeLessThan(0)
    expect(compareRoutes(worse, better)).toBeGreaterThan(0)
    expect(compareRoutes(better, better)).toBe(0)
  })
})

test('a graph with more routes than anybody can walk is answered with the best', () => {
  const size = 120
  const edges = Array.from({ length: size }, (_, to) => Array.from({ length: to }, (_, from) => edge(from, to))).flat()
  const graph = graphOf(size, edges)
  const routes = findRoutes(graph, 'v0', `v${size - 1}`)
  expect(routes).toHaveLength(mostRoutes)
  expect(routes.map((route) => route.length)).toEqual([1, ...Array<number>(mostRoutes - 1).fill(2)])
  expect(countRoutes(graph, 'v0', `v${size - 1}`)).toBe(2n ** BigInt(size - 2))
})

test('layers with the same number of steps everywhere end as soon as the limit is reached', () => {
  const [layers, wide] = [12, 8]
  const ids = Array.from({ length: layers * wide }, (_, i) => i)
  const edges = ids.flatMap((i) =>
    Array.from({ length: wide }, (_, k) => (Math.floor(i / wide) + 1) * wide + k)
      .filter((to) => to < layers * wide)
      .map((to) => edge(i, to, { estimatedDurationMinutes: (i * 7 + to * 3) % 11 })),
  )
  const last = layers * wide - 1
  expect(findRoutes(graphOf(layers * wide, edges), 'v0', `v${last}`)).toHaveLength(mostRoutes)
  expect(countRoutes(graphOf(layers * wide, edges), 'v0', `v${last}`)).toBe(8n ** 10n)
})

test('no route leads down, to itself, or to where nothing leads', () => {
  const graph = graphOf(3, [edge(0, 1)])
  for (const [from, to] of [
    ['v1', 'v0'],
    ['v0', 'v0'],
    ['v0', 'v2'],
    ['v0', 'unknown'],
  ] as const) {
    expect(findRoutes(graph, from, to)).toEqual([])
    expect(countRoutes(graph, from, to)).toBe(0n)
  }
})
