/** A label selector of a workload: all of it must match. */
export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly Requirement[]
}

/** One expression of a selector; node affinity has the same shape and two more operators. */
export type Requirement = { readonly key: string; readonly operator: string; readonly values?: readonly string[] }

type Labels = Readonly<Record<string, string>> | undefined

/** Whether labels match a selector. An empty selector matches everything, none at all matches nothing. */
export function selects(selector: LabelSelector | undefined | null, labels: Labels): boolean {
  if (selector === undefined || selector === null) return false
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels?.[key] === value)
  return equal && (selector.matchExpressions ?? []).every((each) => meets(each, labels))
}

/** Whether a selector asks for nothing, which a workload's must not. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
}

const operators: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [bound]) => Number(value) > Number(bound),
  Lt: (value, [bound]) => Number(value) < Number(bound),
}

/** Whether labels meet one expression; an unknown operator is never met. */
export function meets({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  return operators[operator]?.(labels?.[key], values) ?? false
}
