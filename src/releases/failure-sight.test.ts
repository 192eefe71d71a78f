import { expect, test } from 'vitest'
import type { ActFailure } from '../core/decision.ts'
import type { Json } from '../core/json.ts'
import { newRelease } from './core/create.ts'
import type { HelmRevision, ReleaseState } from './core/model.ts'
import { place } from './core/testing/simulation.ts'
import { wanted } from './core/testing/states.ts'
import { failureSight } from './failure-sight.ts'
import type { ReleaseCluster } from './ports.ts'

const newest = { manifest: 'workloads', hooks: 'hooks' } as HelmRevision

/** A release whose newest operation has failed, as it is loaded again. */
function failing(failure: ActFailure): ReleaseState {
  const state = newRelease(place, 'web', wanted(), 1_000_000)
  if (state.operation === null) throw new Error('nothing was asked for')
  return { ...state, operation: { ...state.operation, startedAt: 1_000_000, phase: { name: 'failing', failure } } }
}

function look(failure: ActFailure, cluster: Partial<ReleaseCluster> = {}) {
  const hook = { kind: 'Job', name: 'web-migrate', events: ['pre-install', 'pre-upgrade'], failed: false }
  const there = {
    hookEvidence: async (manifest: string, _: string, since: number) => ({
      hooks: [hook],
      evidence: `${manifest} since ${since}`,
    }),
    evidence: async (manifest: string) => manifest,
    ...cluster,
  }
  const openEvidence = (_: string, evidence: Json) => evidence
  return failureSight(failing(failure), { cluster: there as unknown as ReleaseCluster, openEvidence }, newest)
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

test('a cluster that does not answer hinders nothing', async () => {
  const failed = { ...interrupted, evidence: { helm: 'said' } }
  const seen = await look(failed, { hookEvidence: () => Promise.reject(new Error('no answer')) })
  expect(seen).toEqual({ evidence: { helm: 'said', conflicts: [], pods: null }, leftByHook: null })
})
