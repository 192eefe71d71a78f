import { timestamp } from './decision.ts'
import type { Condition } from './model.ts'

type Wanted = Pick<Condition, 'type' | 'status'> & Partial<Condition>

/** The condition of a type, if it is there. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((each) => each.type === type)
}

/** Whether the condition of a type is there and True. */
export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True'
}

/** The conditions with one replaced or added; its transition time moves only when its status does. */
export function withCondition(
  conditions: readonly Condition[] = [],
  wanted: Wanted,
  now: number,
): readonly Condition[] {
  const old = findCondition(conditions, wanted.type)
  const since = old?.status === wanted.status ? old.lastTransitionTime : undefined
  const next: Condition = { ...wanted, lastTransitionTime: since ?? timestamp(now) }
  return old === undefined ? [...conditions, next] : conditions.map((each) => (each === old ? next : each))
}

/** The conditions without those of a type. */
export function withoutCondition(conditions: readonly Condition[] = [], type: string): readonly Condition[] {
  return conditions.filter((each) => each.type !== type)
}
