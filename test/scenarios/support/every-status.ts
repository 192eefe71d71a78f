import type { Api } from './api.ts'
import {
  initiated,
  type RegisteredComponent,
  registerTenant,
  rehearsalRequest,
  started,
  type UpgradeHandle,
} from './upgrades.ts'

export const statuses = [
  'PENDING',
  'VALIDATING',
  'IN_PROGRESS',
  'CANARY_RUNNING',
  'CANARY_MONITORING',
  'PAUSED',
  'ROLLING_BACK',
  'ROLLED_BACK',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const
export type Status = (typeof statuses)[number]

/** A server, and a component of three versions on it. */
export type Side = { readonly api: Api; readonly component: RegisteredComponent }

/** Starts the rehearsal of an upgrade, for a tenant of its own. */
export const rehearse = async ({ api, component }: Side, more: object = {}, faults: object = {}) =>
  started(api, await registerTenant(api), rehearsalRequest(component, more, faults))

/** Pods that are not ready while a test lasts, and an execution that waits for them. */
export const slow = { readySeconds: 3_600 }
export const patient = { healthCheckTimeoutSeconds: 3_600 }

/**
 * Each status, from nothing, as a user gets there: the execution is in it, or comes to it by itself. On `resting`, which
 * has no worker, it stays in VALIDATING. `held` is how those that wait for pods are kept waiting.
 */
export function waysToEach(
  working: Side,
  resting: Side,
  held: { readonly request: object; readonly faults: object } = { request: patient, faults: slow },
): Readonly<Record<Status, () => Promise<UpgradeHandle>>> {
  const ways: Record<Status, () => Promise<UpgradeHandle>> = {
    PENDING: async () => initiated(working.api, await registerTenant(working.api), rehearsalRequest(working.component)),
    VALIDATING: () => rehearse(resting),
    IN_PROGRESS: () => rehearse(working, held.request, held.faults),
    CANARY_RUNNING: () => rehearse(working, { strategy: 'CANARY', ...held.request }, held.faults),
    CANARY_MONITORING: () => rehearse(working, { strategy: 'CANARY' }),
    PAUSED: async () => {
      const execution = await ways.IN_PROGRESS()
      await execution.untilStatus('IN_PROGRESS')
      await execution.give('pause')
      return execution
    },
    ROLLING_BACK: async () => {
      const execution = await rehearse(
        working,
        { strategy: 'CANARY', ...held.request },
        { neverReverts: [0, 1, 2, 3, 4] },
      )
      await execution.untilStatus('CANARY_MONITORING')
      await execution.give('rollback')
      return execution
    },
    ROLLED_BACK: async () => {
      const execution = await ways.CANARY_MONITORING()
      await execution.untilStatus('CANARY_MONITORING')
      await execution.give('rollback')
      return execution
    },
    COMPLETED: () => rehearse(working, { totalInstances: 1 }),
    FAILED: () => rehearse(working, {}, { deployFails: true }),
    CANCELLED: async () => {
      const execution = await ways.PENDING()
      await execution.give('cancel')
      return execution
    },
  }
  return ways
}
