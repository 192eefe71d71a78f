import { expect, test } from 'vitest'
import type { ActFailure } from '../core/decision.ts'
import type { Json } from '../core/json.ts'
import { newRelease } from './core/create.ts'
import type { HelmRevision, OperationKind, ReleaseState } from './core/model.ts'
import { place } from './core/testing/simulation.ts'
import { wanted } from './core/testing/states.ts'
import { failureSight } from './failure-sight.ts'
import type { ReleaseCluster } from './ports.ts'

const newest = { manifest: 'workloads', hooks: 'hooks' } as HelmRevision

/** A release whose newest operation has failed, as it is loaded again. */
function failing(failure: ActFailure, kind: OperationKind): ReleaseState {
  const state = newRelease(place, 'web', wanted(), 1_000_000)
  if (state.operation === null) throw new Error('nothing was asked for')
  return {
    ...state,
    operation: { ...state.operation, kind, startedAt: 1_000_000, phase: { name: 'failing', failure } },
  }
}

function look(
  failure: ActFailure,
  cluster: Partial<ReleaseCluster> = {},
  kind: OperationKind = 'install',
  revision: Partial<HelmRevision> = {},
) {
  const hook = {
    kind: 'Job',
    name: 'web-migrate',
    events: ['pre-install', 'pre-upgrade'],
    failed: false,
    problem: null,
  }
  const there = {
    hookEvidence: async (manifest: string, _: string, since: number) => ({
      hooks: [hook],
      evidence: `${manifest} since ${since}`,
    }),
    evidence: async (manifest: string) => manifest,
    ...cluster,
  }
  const openEvidence = (_: string, evidence: Json) => evidence
  const deps = { cluster: there as unknown as ReleaseCluster, openEvidence }
  return failureSight(failing(failure, kind), deps, { ...newest, ...revision })
}

const interrupted: ActFailure = { code: 'interrupted', detail: 'cut off' }

test('an act that was lost in a hook is told by what the hook left since it began', async () => {
  expect(await look(interrupted)).toEqual({
    evidence: { helm: null, conflicts: [], pods: 'hooks since 995000' },
    leftByHook: 'the hook Job web-migrate (pre-install) had not ended',
  })
})

test('without such a hook its workloads are looked at', async () => {
  const evidence = { helm: null, conflicts: [], pods: 'workloads' }
  expect(await look(interrupted, { hookEvidence: async () => null })).toEqual({ evidence, leftByHook: null })
})

test('what an act has told of its hooks itself, and a failure that is of none, is not looked for again', async () => {
  const told = await look({ ...interrupted, code: 'timed_out', evidence: { helm: 'said', hooks: 'told' } })
  expect(told).toEqual({ evidence: { helm: 'said', conflicts: [], pods: 'told' }, leftByHook: null })
  expect(await look({ ...interrupted, code: 'not_ready' })).toMatchObject({ evidence: { pods: 'workloads' } })
})

const noAnswer = () => Promise.reject(new Error('no answer'))
const said = { ...interrupted, evidence: { helm: 'said' } }

test('a cluster that does not answer hinders nothing', async () => {
  const seen = await look(said, { hookEvidence: noAnswer, evidence: noAnswer })
  expect(seen).toEqual({ evidence: { helm: 'said', conflicts: [], pods: null }, leftByHook: null })
})

test('where hooks cannot be read the workloads are looked at all the same', async () => {
  const seen = await look(said, { hookEvidence: noAnswer })
  expect(seen).toEqual({ evidence: { helm: 'said', conflicts: [], pods: 'workloads' }, leftByHook: null })
})

const everyEvent = ['pre-install', 'pre-upgrade', 'pre-rollback', 'pre-delete']
const toAll = async () => ({
  hooks: [{ kind: 'Job', name: 'web-migrate', events: everyEvent, failed: false, problem: null }],
  evidence: null,
})

test.each<[string, OperationKind, Partial<HelmRevision>, string]>([
  ['a rollback', 'rollback', { status: 'pending-rollback' }, 'pre-rollback'],
  ['a rollback that is settled', 'rollback', { status: 'failed', operationId: 'of the target' }, 'pre-rollback'],
  ['a rollback to a revision that Helm has pruned', 'rollback', { status: 'pending-upgrade' }, 'pre-upgrade'],
  ['one that is settled', 'rollback', { status: 'failed', operationId: 'wanted' }, 'pre-upgrade'],
  ['an upgrade over what was uninstalled', 'upgrade', { status: 'pending-install' }, 'pre-install'],
  ['an uninstall before its record', 'uninstall', { status: 'deployed' }, 'pre-delete'],
  ['a recover that uninstalls', 'recover', { status: 'uninstalling' }, 'pre-delete'],
])('%s names its hook by what helm was at', async (_, kind, revision, event) => {
  const seen = await look(interrupted, { hookEvidence: toAll }, kind, revision)
  expect(seen.leftByHook).toBe(`the hook Job web-migrate (${event}) had not ended`)
})
