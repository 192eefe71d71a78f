import type { KubeInput } from '../../store/types.ts'
import { type FieldError, forbiddenValue, invalidValue, requiredValue } from './errors.ts'

type Values = Readonly<Record<string, unknown>>

const values = (value: unknown): Values => (value ?? {}) as Values

/** What is wrong with how a Deployment replaces its pods: a rollout that could never move is refused. */
export function deploymentErrors({ spec }: KubeInput): FieldError[] {
  return [...deadlineErrors(values(spec)), ...deploymentStrategyErrors(values(values(spec).strategy))]
}

function deadlineErrors({ progressDeadlineSeconds, minReadySeconds = 0 }: Values): FieldError[] {
  if (progressDeadlineSeconds === undefined || Number(progressDeadlineSeconds) > Number(minReadySeconds)) return []
  const why = 'must be greater than minReadySeconds'
  return [invalidValue('spec.progressDeadlineSeconds', progressDeadlineSeconds, why)]
}

function deploymentStrategyErrors({ type, rollingUpdate }: Values): FieldError[] {
  const field = 'spec.strategy.rollingUpdate'
  if (rollingUpdate === undefined) return []
  if (type === 'Recreate') return [forbiddenValue(field, "may not be specified when strategy `type` is 'Recreate'")]
  const { maxUnavailable, maxSurge } = values(rollingUpdate)
  const stuck = amount(maxUnavailable) === 0 && amount(maxSurge) === 0
  const why = 'may not be 0 when `maxSurge` is 0'
  return [
    ...(stuck ? [invalidValue(`${field}.maxUnavailable`, maxUnavailable, why)] : []),
    ...percentErrors(`${field}.maxUnavailable`, maxUnavailable),
  ]
}

/** What is wrong with the update strategy of a DaemonSet: it either surges or takes pods away first. */
export function daemonSetErrors({ spec }: KubeInput): FieldError[] {
  const { type, rollingUpdate } = values(values(spec).updateStrategy)
  if (type === 'OnDelete' || rollingUpdate === undefined) return []
  const field = 'spec.updateStrategy.rollingUpdate'
  const { maxUnavailable, maxSurge } = values(rollingUpdate)
  const [takes, surges] = [amount(maxUnavailable) !== 0, amount(maxSurge) !== 0]
  const both = invalidValue(`${field}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')
  return [
    ...(takes && surges ? [both] : []),
    ...(takes || surges ? [] : [requiredValue(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')]),
    ...percentErrors(`${field}.maxUnavailable`, maxUnavailable),
    ...percentErrors(`${field}.maxSurge`, maxSurge),
  ]
}

/** What is wrong with the update strategy of a StatefulSet: a partition belongs to a rolling update only. */
export function statefulSetErrors({ spec }: KubeInput): FieldError[] {
  const { type, rollingUpdate } = values(values(spec).updateStrategy)
  if (type !== 'OnDelete' || rollingUpdate === undefined) return []
  const why = "only allowed for updateStrategy 'RollingUpdate'"
  return [invalidValue('spec.updateStrategy.rollingUpdate', rollingUpdate, why)]
}

/** The number of an int-or-percent, without a base: only whether it is 0 matters here. */
function amount(value: unknown): number {
  return typeof value === 'string' ? Number(value.replace('%', '')) : Number(value ?? 0)
}

function percentErrors(field: string, value: unknown): FieldError[] {
  const over = typeof value === 'string' && value.endsWith('%') && amount(value) > 100
  return over ? [invalidValue(field, value, 'must not be greater than 100%')] : []
}
