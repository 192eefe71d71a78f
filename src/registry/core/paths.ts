import type { Uuid } from '../../core/subject.ts'
import type { Edge, RiskLevel } from './model.ts'
import { compareVersions } from './versions.ts'

/** The upgrade graph of one component. Every edge goes up, so there are no circles. */
export type Graph<E extends Edge = Edge> = {
  readonly versions: readonly { readonly id: Uuid; readonly version: string }[]
  readonly edges: readonly E[]
}

/** Steps that lead from one version to another, in their order; never empty. */
export type Route<E extends Edge = Edge> = readonly E[]

/**
 * How many routes a search gives at most. A graph where every version leads to every newer one has 2^(n-2) of them: the
 * best are what anybody chooses from, and `countRoutes` says how many there are.
 */
export const mostRoutes = 100

/**
 * What routes are ranked by, most important first: steps, steps of high risk, of medium risk, with downtime, of unknown
 * duration, minutes. Each adds up over the steps, and so the best rest of a route is known beforehand.
 */
type Cost = readonly [steps: number, high: number, medium: number, downtime: number, unknown: number, minutes: number]
const nothing: Cost = [0, 0, 0, 0, 0, 0]

const riskCost: Readonly<Record<RiskLevel, readonly [high: number, medium: number]>> = {
  LOW: [0, 0],
  MEDIUM: [0, 1],
  HIGH: [1, 0],
}

function costOf({ riskLevel, requiresDowntime, estimatedDurationMinutes: minutes }: Edge): Cost {
  return [1, ...riskCost[riskLevel], Number(requiresDowntime), Number(minutes === null), minutes ?? 0]
}

const add = (a: Cost, b: Cost): Cost => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5]]

function compareCosts(a: Cost, b: Cost): number {
  const at = a.findIndex((part, i) => part !== b[i])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

/** Which of two routes comes first: negative for `a`; 0 where nothing tells them apart. */
export function compareRoutes(a: Route, b: Route): number {
  return compareCosts(a.map(costOf).reduce(add, nothing), b.map(costOf).reduce(add, nothing))
}

/** The beginning of a route, with the cost of the best route that begins so. */
type Beginning<E extends Edge> = {
  readonly steps: readonly E[]
  readonly at: Uuid
  readonly cost: Cost
  readonly best: Cost
}

/**
 * The best routes from one version to another, best first, at most `limit` (SPEC section 4: fewest steps, then risk,
 * downtime, duration). The cost of the best rest is exact, so each beginning that is looked at leads to one of the
 * routes that are given: at most `limit` times the number of versions, however many routes there are.
 */
export function findRoutes<E extends Edge>(
  graph: Graph<E>,
  from: Uuid,
  to: Uuid,
  limit: number = mostRoutes,
): readonly Route<E>[] {
  const outgoing = outgoingOf(graph.edges)
  const rest = costsTo(graph, outgoing, to)
  const whole = rest.get(from)
  const found: Route<E>[] = []
  const open: Beginning<E>[] =
    whole === undefined || from === to ? [] : [{ steps: [], at: from, cost: nothing, best: whole }]
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (next.at === to) found.push(next.steps)
    else for (const edge of outgoing.get(next.at) ?? []) insert(open, longer(next, edge, rest), limit - found.length)
  }
  return found
}

function longer<E extends Edge>(before: Beginning<E>, edge: E, rest: ReadonlyMap<Uuid, Cost>): Beginning<E> | null {
  const onward = rest.get(edge.toVersionId)
  if (onward === undefined) return null
  const cost = add(before.cost, costOf(edge))
  return { steps: [...before.steps, edge], at: edge.toVersionId, cost, best: add(cost, onward) }
}

/** Keeps the best beginnings in order, no more of them than routes are still wanted: each leads to one at least. */
function insert<E extends Edge>(open: Beginning<E>[], made: Beginning<E> | null, most: number): void {
  if (made === null) return
  const behind = open.findIndex(({ best }) => compareCosts(made.best, best) < 0)
  open.splice(behind === -1 ? open.length : behind, 0, made)
  if (open.length > most) open.length = most
}

/** How many routes there are in all; exact, and beyond what a number holds. */
export function countRoutes(graph: Graph, from: Uuid, to: Uuid): bigint {
  const outgoing = outgoingOf(graph.edges)
  const routes = new Map<Uuid, bigint>([[to, 1n]])
  for (const id of newestFirst(graph)) {
    if (id === to) continue
    const onward = (outgoing.get(id) ?? []).map(({ toVersionId }) => routes.get(toVersionId) ?? 0n)
    routes.set(
      id,
      onward.reduce((sum, n) => sum + n, 0n),
    )
  }
  return from === to ? 0n : (routes.get(from) ?? 0n)
}

/** The cost of the best route to `to` from each version that leads there: edges go up, so one pass from the newest. */
function costsTo(graph: Graph, outgoing: ReadonlyMap<Uuid, readonly Edge[]>, to: Uuid): ReadonlyMap<Uuid, Cost> {
  const costs = new Map<Uuid, Cost>([[to, nothing]])
  for (const id of newestFirst(graph)) {
    if (id === to) continue
    for (const edge of outgoing.get(id) ?? []) {
      const onward = costs.get(edge.toVersionId)
      const known = costs.get(id)
      const cost = onward && add(costOf(edge), onward)
      if (cost && (known === undefined || compareCosts(cost, known) < 0)) costs.set(id, cost)
    }
  }
  return costs
}

const newestFirst = ({ versions }: Graph): readonly Uuid[] =>
  [...versions].sort((a, b) => compareVersions(b.version, a.version)).map(({ id }) => id)

function outgoingOf<E extends Edge>(edges: readonly E[]): ReadonlyMap<Uuid, readonly E[]> {
  const outgoing = new Map<Uuid, E[]>()
  for (const edge of edges) {
    const known = outgoing.get(edge.fromVersionId)
    if (known) known.push(edge)
    else outgoing.set(edge.fromVersionId, [edge])
  }
  return outgoing
}
