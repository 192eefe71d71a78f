import { rulesOfRole } from '../../access/roles.ts'
import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeObject } from '../../store/types.ts'
import { NOTHING } from '../decision.ts'
import type { Controller } from '../runtime/controller.ts'
import { type LabelSelector, selects } from '../selector.ts'

type Aggregation = { readonly clusterRoleSelectors?: readonly LabelSelector[] }

const ALL = { namespace: '', name: 'all' }

/** Keeps the rules of ClusterRoles that are made of others. */
export const roleAggregation: Controller = {
  name: 'clusterrole-aggregation-controller',
  concerns: ({ type }) => (type === types.clusterroles ? [ALL] : []),
  decide(_, { store }) {
    const roles = store.list(types.clusterroles)
    const changed = roles.map((role) => aggregated(role, roles)).filter((role) => role !== undefined)
    if (changed.length === 0) return NOTHING
    return { writes: changed.map((object) => ({ kind: 'update', type: types.clusterroles, object })) }
  },
}

/** The role with the rules of those that it selects; undefined when it has them or selects none. */
function aggregated(role: KubeObject, all: readonly KubeObject[]): KubeObject | undefined {
  if (role.aggregationRule === undefined) return undefined
  const { clusterRoleSelectors = [] } = role.aggregationRule as Aggregation
  const chosen = clusterRoleSelectors.flatMap((selector) =>
    all.filter((each) => each !== role && selects(selector, each.metadata.labels ?? {})),
  )
  const rules = distinct([...new Set(chosen)].flatMap(rulesOfRole))
  return jsonEqual(rules, rulesOfRole(role)) ? undefined : { ...role, rules }
}

function distinct<T>(rules: readonly T[]): readonly T[] {
  return rules.filter((rule, at) => rules.findIndex((each) => jsonEqual(each, rule)) === at)
}
