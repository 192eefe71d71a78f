import { expect, test } from 'vitest'
import type { Pod } from './readiness/workload-types.ts'
import { newestProblem } from './unready-pods.ts'

function pod(name: string, second: number, waiting: string | null, more: object = {}): Pod {
  const creationTimestamp = `2026-01-01T00:00:0${second}Z`
  const state = waiting === null ? { running: {} } : { waiting: { reason: waiting, message: 'with a value' } }
  const conditions = [{ type: 'Ready', status: waiting === null ? 'True' : 'False' }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, creationTimestamp, ...more },
    status: { phase: 'Running', conditions, containerStatuses: [{ name: 'web', state }] },
  }
}

test('the newest pod that is not ready tells why, without the message of its container', () => {
  const pods = [pod('old', 1, 'ErrImagePull'), pod('new', 2, 'CrashLoopBackOff'), pod('fine', 3, null)]
  expect(newestProblem(pods)).toBe('pod new: container web: CrashLoopBackOff')
})

test('what no node takes is told without the values that its scheduler quotes', () => {
  const message = 'invalid selector: values[0][key]: Invalid value: "canary": must be no more than 63 characters'
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
  const { status, ...made } = pod('new', 1, null)
  const problem = newestProblem([{ ...made, status: { phase: 'Pending', conditions } }])
  expect(problem).toBe(
    'pod new: invalid selector: values[0][key]: Invalid value: ***: must be no more than 63 characters',
  )
})

test('one that has done its work is no problem', () => {
  const { status, ...done } = pod('done', 2, 'Completed')
  expect(newestProblem([{ ...done, status: { ...status, phase: 'Succeeded' } }, pod('fine', 1, null)])).toBeNull()
})

test('one on its way out tells nothing, and where all are ready nothing does', () => {
  const going = { deletionTimestamp: '2026-01-01T00:00:09Z' }
  expect(newestProblem([pod('going', 2, 'CrashLoopBackOff', going), pod('fine', 1, null)])).toBeNull()
})
