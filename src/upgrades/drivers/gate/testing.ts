import type { JsonObject } from '../../../core/json.ts'
import type { ManagedFields } from '../../../infra/kubernetes/index.ts'
import type { GatePosition, WorkloadKind } from '../../core/model.ts'
import type { GateRow } from '../../store/gate-row.ts'
import type { GateKind, Workload } from './model.ts'
import type { GateGoal } from './row.ts'
import { nextStep } from './steps.ts'

/** A workload for unit tests. */
export function workload(kind: WorkloadKind, spec: JsonObject, managedFields: readonly ManagedFields[] = []): Workload {
  const metadata = { name: 'app', namespace: 'shop', uid: 'uid-1', generation: 1, resourceVersion: '10', managedFields }
  return { kind, metadata, spec }
}

/** A goal of execution `one`, from 1.0.0 to 2.0.0. */
export function goalFor(position: GatePosition, more: Partial<GateGoal> = {}): GateGoal {
  const { current = 'old' } = more
  return {
    ...{ position, clusterId: 'cluster', releaseId: 'release', executionId: 'one', deployed: true, role: 'target' },
    versions: { from: '1.0.0', to: '2.0.0' },
    ...{
      take: [],
      goesBack: true,
      passed: false,
      movedFrom: null,
      current,
      applies: current,
      hashes: current === null ? {} : { '1.0.0': current },
      epoch: 7n,
      now: 0,
    },
    applied: false,
    ...more,
  }
}

export type Ended = { readonly live: Workload; readonly row: GateRow | null; readonly steps: readonly string[] }

/** Carries the steps out on a workload in memory, as the API server would for the fields that gates use. */
export function carryOut(kind: GateKind, live: Workload, row: GateRow | null, goal: GateGoal): Ended {
  let state: Ended = { live, row, steps: [] }
  for (let count = 0; count < 10; count++) {
    const step = nextStep(kind, state.live, state.row, goal)
    if (step.kind === 'done' || step.kind === 'overtaken') return { ...state, steps: [...state.steps, step.kind] }
    const steps = [...state.steps, step.kind]
    if (step.kind === 'record') state = { ...state, row: step.row, steps }
    if (step.kind === 'patch') state = { ...state, live: patched(state.live, step.body), steps }
    if (step.kind === 'withdraw') state = { ...state, live: withdrawn(state.live, step.body), steps }
  }
  throw new Error(`it goes in a circle: ${state.steps.join(', ')}`)
}

function patched(live: Workload, body: JsonObject): Workload {
  const merged = merge(live as unknown as JsonObject, body) as unknown as Workload
  const others = (live.metadata.managedFields ?? []).filter(({ manager }) => manager !== 'flotilla-gate')
  const managedFields = [...others, { manager: 'flotilla-gate', operation: 'Update' }]
  return { ...merged, metadata: { ...merged.metadata, managedFields } }
}

function withdrawn(live: Workload, body: readonly JsonObject[]): Workload {
  const managedFields = body.find(({ path }) => path === '/metadata/managedFields')?.value
  return { ...live, metadata: { ...live.metadata, managedFields: managedFields as readonly ManagedFields[] } }
}

/** What the API server makes of a merge patch (RFC 7386). */
export function merge(one: JsonObject, other: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...one }
  for (const [key, value] of Object.entries(other)) {
    const known = result[key]
    if (value === null) delete result[key]
    else if (isObject(known) && isObject(value)) result[key] = merge(known, value)
    else result[key] = value
  }
  return result as JsonObject
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
