import type { LabelSelector } from './readiness/workload-types.ts'

const operators: Readonly<Record<string, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => `${key} in (${values.join(',')})`,
  NotIn: (key, values) => `${key} notin (${values.join(',')})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
}

/** A workload's selector as a query; null for none, or one that selects everything: neither names the pods of one. */
export function selectorText(selector: LabelSelector | undefined): string | null {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    return operators[operator]?.(key, values) ?? null
  })
  const terms = [...equal, ...others]
  return terms.length === 0 || terms.includes(null) ? null : terms.join(',')
}

const tests: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

/** True where a selector takes these labels. None takes nothing, an empty one everything. */
export function selectorMatches(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return false
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels?.[key] === value)
  const others = (selector.matchExpressions ?? []).every(
    ({ key, operator, values = [] }) => tests[operator]?.(labels?.[key], values) === true,
  )
  return equal && others
}
