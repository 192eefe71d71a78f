import { describe, expect, test } from 'vitest'
import { parseManifest } from '../manifest.ts'
import { judgeDaemonSet, judgeDeployment, judgeJob, judgePod, judgeService, judgeVolumeClaim } from './judge.ts'
import { isWaitedFor, judgeRelease } from './readiness.ts'
import { judgeStatefulSet } from './statefulset.ts'
import type { Deployment, StatefulSet } from './workload-types.ts'

const metadata = { name: 'web', generation: 2 }
const done = { observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 }
const deployment = (status: Deployment['status'], spec: Deployment['spec'] = {}): Deployment => ({
  metadata,
  spec: { replicas: 3, ...spec },
  status: { ...done, ...status },
})
const denied = 'Error creating: pods "p-1" is forbidden: exceeded quota: q, requested: pods=1'
const refused = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: denied }]
const whyRefused =
  '1 of 3 are there, no other pod can be made: pods "p-1" is forbidden: exceeded quota: q, requested: pods=1'
const exceeded = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'too slow' }]

describe('a Deployment', () => {
  test.each([
    ['settled', {}, {}, null, false],
    ['not observed', { observedGeneration: 1 }, {}, 'the controller has not seen the newest spec yet', false],
    ['updating', { updatedReplicas: 1 }, {}, '1 of 3 are updated', false],
    ['with old pods', { replicas: 4 }, {}, '1 of the previous version are still there', false],
    ['unready', { readyReplicas: 2 }, {}, '2 of 3 are ready', false],
    ['not available', { availableReplicas: 2 }, {}, '2 of 3 are available', false],
    ['paused', {}, { paused: true }, 'it is paused', false],
    [
      'past its progress deadline, but still going on',
      { updatedReplicas: 1, conditions: exceeded },
      {},
      'too slow',
      false,
    ],
    ['refused its pods', { updatedReplicas: 1, conditions: refused }, {}, whyRefused, false],
    [
      'refused them until it was late',
      { updatedReplicas: 1, conditions: [...exceeded, ...refused] },
      {},
      whyRefused,
      false,
    ],
    ['refused a pod once, but done', { conditions: refused }, {}, null, false],
    ['out of time once, but done', { conditions: exceeded }, {}, null, false],
  ] as const)('%s', (_, status, spec, reason, failed) => {
    expect(judgeDeployment(deployment(status, spec))).toMatchObject({ reason, failed })
  })

  test('of no replicas is settled, of no status is not', () => {
    const zero = { observedGeneration: 2, conditions: [] }
    expect(judgeDeployment({ metadata, spec: { replicas: 0 }, status: zero }).reason).toBeNull()
    expect(judgeDeployment({ metadata }).reason).not.toBeNull()
  })
})

describe('a StatefulSet', () => {
  const set = (
    status: StatefulSet['status'],
    updateStrategy: NonNullable<StatefulSet['spec']>['updateStrategy'] = {},
  ) =>
    judgeStatefulSet({
      metadata,
      spec: { replicas: 3, updateStrategy },
      status: { ...done, currentRevision: 'b', updateRevision: 'b', ...status },
    })
  test.each([
    ['settled', {}, {}, null],
    ['updating', { updatedReplicas: 2, currentRevision: 'a' }, {}, '2 of 3 are updated'],
    ['not named current yet', { currentRevision: 'a' }, {}, 'the update is not complete yet'],
    ['behind a partition', { updatedReplicas: 1, currentRevision: 'a' }, { rollingUpdate: { partition: 2 } }, null],
    ['below its partition', { updatedReplicas: 0 }, { rollingUpdate: { partition: 2 } }, '0 of 1 are updated'],
    ['partition beyond all', { updatedReplicas: 0 }, { rollingUpdate: { partition: 9 } }, null],
    ['with OnDelete', { updatedReplicas: 0, currentRevision: 'a' }, { type: 'OnDelete' }, null],
    ['unready', { readyReplicas: 1 }, {}, '1 of 3 are ready'],
  ] as const)('%s', (_, status, strategy, reason) => {
    expect(set(status, strategy).reason).toBe(reason)
  })
})

test('a DaemonSet counts its nodes', () => {
  const status = { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberReady: 2 }
  expect(judgeDaemonSet({ metadata, status }).reason).toBe('1 of 2 are updated')
  const available = { ...status, numberAvailable: 2 }
  expect(
    judgeDaemonSet({ metadata, spec: { updateStrategy: { type: 'OnDelete' } }, status: available }).reason,
  ).toBeNull()
})

test('a Job is complete, or failed for good, or neither', () => {
  const named = { metadata: { name: 'j' } }
  const condition = (type: string) => ({ conditions: [{ type, status: 'True', message: 'said so' }] })
  expect(judgeJob({ ...named, status: condition('Complete') })).toMatchObject({ reason: null })
  expect(judgeJob({ ...named, status: condition('Failed') })).toMatchObject({ reason: 'said so', failed: true })
  expect(judgeJob({ ...named, spec: { completions: 2 }, status: { succeeded: 1 } }).reason).toBe('1 of 2 are complete')
})

test('pods, claims and services', () => {
  const named = { metadata: { name: 'x' } }
  expect(judgePod({ ...named, status: { phase: 'Pending' } })).toMatchObject({ reason: 'it is Pending', total: 1 })
  expect(judgePod({ ...named, status: { phase: 'Failed', message: 'evicted' } }).failed).toBe(true)
  expect(judgeVolumeClaim({ ...named, status: { phase: 'Bound' } }).reason).toBeNull()
  expect(judgeVolumeClaim({ ...named, status: { phase: 'Lost' } }).failed).toBe(true)
  expect(judgeService({ ...named, spec: { type: 'ClusterIP' } }).reason).toBeNull()
  expect(judgeService({ ...named, spec: { type: 'LoadBalancer' } }).reason).not.toBeNull()
})

test('a release is settled when all of its objects are, and hooks are no part of it', () => {
  const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {helm.sh/hook: post-install}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: plain}
---
apiVersion: example.com/v1
kind: Custom
metadata: {name: own}
`
  const objects = parseManifest(text)
  const names = (jobs: boolean) => objects.filter((each) => isWaitedFor(each, { jobs })).map(({ name }) => name)
  expect(names(false)).toEqual(['web'])
  expect(names(true)).toEqual(['web', 'plain'])
  const [wanted] = objects
  if (wanted === undefined) throw new Error('no object')
  expect(judgeRelease([])).toEqual({ ready: 0, total: 0, settled: true, failed: false, blockers: [] })
  expect(judgeRelease([{ wanted, live: deployment({}) }])).toMatchObject({ ready: 3, total: 3, settled: true })
  const absent = judgeRelease([{ wanted, live: null }])
  expect(absent.blockers).toEqual([
    { object: { kind: 'Deployment', name: 'web' }, reason: 'it is not there', failed: false },
  ])
})
