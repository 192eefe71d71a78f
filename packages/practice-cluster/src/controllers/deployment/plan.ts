import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput } from '../../store/types.ts'
import { event, type Write } from '../decision.ts'
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from '../model.ts'
import { REVISION, refreshed, revisionOf, type Sets, scaled, sizeOf } from './replica-sets.ts'
import type { Sizes } from './rolling.ts'
import { foundConditions, statusDiffers } from './status.ts'

/** A Deployment and its ReplicaSets in the middle of a pass, with the writes decided so far. */
export type Plan = { readonly deployment: Deployment; readonly sets: Sets; readonly writes: readonly Write[] }

/** The plan with other conditions, which the status at the end of the pass takes up. */
export function withConditions(plan: Plan, conditions: readonly Condition[] | undefined): Plan {
  if (conditions === undefined || conditions === plan.deployment.status?.conditions) return plan
  return { ...plan, deployment: { ...plan.deployment, status: { ...plan.deployment.status, conditions } } }
}

/** Brings the present ReplicaSet's annotations and minReadySeconds up to date, and the Deployment's revision. */
export function syncRevision(plan: Plan, now: number): Plan {
  const { current, old } = plan.sets
  if (current === undefined) return plan
  const fresh = refreshed(plan.deployment, current, old)
  const noted = withRevision(plan, String(revisionOf(fresh)))
  const found = withConditions(noted, foundConditions(plan.deployment, current.metadata.name, now))
  if (jsonEqual(fresh, current)) return found
  return { ...found, sets: { current: fresh, old }, writes: [...found.writes, update(fresh)] }
}

/** Adds the creation of a ReplicaSet; the pass then ends, since its uid is not known yet. */
export function withNewSet(plan: Plan, input: KubeInput, conditions: readonly Condition[] | undefined): Plan {
  const size = (input.spec as ReplicaSet['spec']).replicas ?? 0
  const name = input.metadata.name ?? ''
  const revision = input.metadata.annotations?.[REVISION] ?? '1'
  const create: Write = { kind: 'create', type: types.replicasets, input }
  const scaling = size > 0 ? [scalingEvent(plan.deployment, 'up', name, 0, size)] : []
  const next = withConditions(withRevision(plan, revision), conditions)
  return { ...next, writes: [...next.writes, create, ...scaling] }
}

/** Gives ReplicaSets their new sizes. */
export function resize(plan: Plan, sizes: Sizes): Plan {
  const { current, old } = plan.sets
  const next = (set: ReplicaSet) => {
    const size = sizes.get(set.metadata.uid)
    return size === undefined ? set : scaled(plan.deployment, set, size)
  }
  const sets = { current: current === undefined ? undefined : next(current), old: old.map(next) }
  const before = current === undefined ? old : [...old, current]
  const changed = before.filter((set) => !jsonEqual(set, next(set)))
  const writes = changed.flatMap((set) => [update(next(set)), ...resizeEvent(plan.deployment, set, next(set))])
  return { ...plan, sets, writes: [...plan.writes, ...writes] }
}

/** The writes of a pass that ends with a status. */
export function finished(stored: Deployment, plan: Plan, status: DeploymentStatus): readonly Write[] {
  const object = { ...plan.deployment, status }
  return statusDiffers(stored, status)
    ? [...plan.writes, { kind: 'status', type: types.deployments, object }]
    : plan.writes
}

function withRevision(plan: Plan, revision: string): Plan {
  const { deployment } = plan
  const { annotations } = deployment.metadata
  if (annotations?.[REVISION] === revision) return plan
  const metadata = { ...deployment.metadata, annotations: { ...annotations, [REVISION]: revision } }
  const object = { ...deployment, metadata }
  return { ...plan, deployment: object, writes: [...plan.writes, { kind: 'update', type: types.deployments, object }] }
}

function update(object: ReplicaSet): Write {
  return { kind: 'update', type: types.replicasets, object }
}

function resizeEvent(deployment: Deployment, before: ReplicaSet, after: ReplicaSet): readonly Write[] {
  const [from, to] = [sizeOf(before), sizeOf(after)]
  return from === to ? [] : [scalingEvent(deployment, to > from ? 'up' : 'down', after.metadata.name, from, to)]
}

function scalingEvent(deployment: Deployment, way: string, name: string, from: number, to: number): Write {
  const message = `Scaled ${way} replica set ${name} from ${from} to ${to}`
  return event(deployment, 'Normal', 'ScalingReplicaSet', message)
}
