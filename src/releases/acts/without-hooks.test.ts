import { expect, test } from 'vitest'
import { VirtualClock } from '../../infra/kubernetes/testing/virtual-clock.ts'
import type { OperationKind, OperationRequest, ReleaseAct } from '../core/model.ts'
import { rest, wanted } from '../core/testing/states.ts'
import type { ReleasePorts } from '../ports.ts'
import type { ActDeps, ReleaseActContext } from './context.ts'
import { releaseActs } from './index.ts'

type Kind = 'upgrade' | 'rollback' | 'uninstall'

/** Whether helm runs hooks when an operation does this. */
async function runsHooks(kind: OperationKind, act: Kind, request: Partial<OperationRequest>): Promise<unknown> {
  const told: unknown[] = []
  const tell = async ({ hooks }: { readonly hooks?: boolean }) => void told.push(hooks)
  const ports = {
    helm: { upgrade: tell, rollback: tell, uninstall: tell },
    clusters: { of: () => ({ endpoint: {}, asTenant: async () => ({}) }) },
    charts: { granted: async () => [], archive: async () => new Uint8Array() },
    frozenWorkloads: { pins: async () => [], bounds: async () => [] },
  } as unknown as ReleasePorts
  const deps: ActDeps = { ports, clock: new VirtualClock() }
  const operation = { ...wanted(request), kind, reverting: null }
  const context = {
    subject: { release: rest().release, operation, charts: [] },
    attempt: { seq: 1, deadline: 1_000, baseline: {} },
    signal: new AbortController().signal,
  } as unknown as ReleaseActContext
  await releaseActs(deps)[act]({ kind: act, operationId: 'wanted', target: 1 } as ReleaseAct as never, context)
  return told[0]
}

test.each<[OperationKind, Kind]>([
  ['rollback', 'rollback'],
  // To a revision that Helm has pruned.
  ['rollback', 'upgrade'],
  ['uninstall', 'uninstall'],
])('a %s that is to leave hooks out does, where helm is to %s', async (kind, act) => {
  expect(await runsHooks(kind, act, { noHooks: true, targetRevision: 1 })).toBe(false)
  expect(await runsHooks(kind, act, { targetRevision: 1 })).toBe(true)
})
