import { newRelease } from '../create.ts'
import type { Claim, NewOperation, Release, ReleaseState, RevisionSummary } from '../model.ts'
import type { Situation } from '../situation.ts'
import { place, request } from './simulation.ts'

/** An operation that is asked for. */
export const wanted = (change: Partial<NewOperation['request']> = {}): NewOperation => ({
  id: 'wanted',
  parentId: null,
  request: { ...request, ...change },
  performedBy: 'tester',
  principalId: 'tester',
  reason: null,
})

export const revision = (n: number, verdict: RevisionSummary['verdict']): RevisionSummary => ({
  revision: n,
  secretUid: `u${n}`,
  operationId: null,
  verdict,
  chart: 'web',
  chartVersion: '1.0.0',
  chartDigest: null,
  appVersion: null,
  description: null,
  performedBy: 'tester',
  createdAt: 0,
})

export const claim: Claim = { executionId: 'execution', shown: 'PENDING_UPGRADE', revision: 3, target: null }

/** A release at rest at revision 3, of which 1 and 2 ended DEPLOYED. */
export function rest(change: Partial<Release> = {}): ReleaseState {
  const state = newRelease(place, 'web', wanted(), 1)
  const base: Release = {
    ...state.release,
    status: 'DEPLOYED',
    everDeployed: true,
    revision: 3,
    waitingFor: null,
    ...change,
  }
  const revisions = [
    revision(1, 'DEPLOYED'),
    revision(2, 'DEPLOYED'),
    revision(3, base.everDeployed ? 'DEPLOYED' : 'FAILED'),
  ]
  return { ...state, release: base, operation: null, revisions }
}

/** A state for each row of SPEC section 3's table. */
export const states: Readonly<Record<Situation, ReleaseState>> = {
  ownOperation: newRelease(place, 'web', wanted(), 1),
  claimed: rest({
    status: 'PENDING_UPGRADE',
    claim: { executionId: 'execution', shown: 'PENDING_UPGRADE', revision: 3, target: null },
  }),
  external: rest({ status: 'PENDING_UPGRADE', pendingBy: 'external' }),
  deployed: rest(),
  failedInstall: rest({ status: 'FAILED', failedKind: 'install', everDeployed: false }),
  failedChange: rest({ status: 'FAILED', failedKind: 'upgrade' }),
  failedUninstall: rest({ status: 'FAILED', failedKind: 'uninstall' }),
  frozen: rest({ status: 'FAILED', failedKind: 'upgrade', frozen: { executionId: 'e', versions: {} } }),
  uninstalled: rest({ status: 'UNINSTALLED' }),
}
