import { expect, test } from 'vitest'
import { boundEvidence } from './bound.ts'
import { describeEvents, describeLog, describePod, hasCrashed, needsEvidence, ofThisTime } from './describe.ts'
import type { Evidence } from './types.ts'

const crashing = {
  name: 'main',
  restartCount: 3,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
  lastState: { terminated: { exitCode: 2, reason: 'Error' } },
}

test('a pod is told by its states, not by its spec', () => {
  const spec = { nodeName: 'n1', containers: [{ name: 'main', env: [{ name: 'WORD', value: 'canary' }] }] }
  const pod = describePod({
    metadata: { name: 'p' },
    spec,
    status: { phase: 'Running', containerStatuses: [crashing] },
  })
  expect(pod.containers[0]).toMatchObject({ state: 'CrashLoopBackOff', message: 'back-off', exitCode: 2, restarts: 3 })
  expect(JSON.stringify(pod)).not.toContain('canary')
})

test('what a kubelet has cut of the last words of a container is told from its first whole line on', () => {
  const saying = (message: string) => {
    const containerStatuses = [{ name: 'main', state: { terminated: { exitCode: 1, message } } }]
    return describePod({ metadata: { name: 'p' }, status: { containerStatuses } }).containers[0]?.message
  }
  expect(saying('canary\nit failed')).toBe('canary\nit failed')
  expect(saying(`anary\n${'x'.repeat(2042)}`)).toBe('x'.repeat(2042))
  expect(saying('x'.repeat(2048))).toBeNull()
})

test('the log of the container that crashed is the one before', () => {
  expect(hasCrashed(crashing)).toBe(true)
  expect(hasCrashed({ name: 'm', restartCount: 1, state: { terminated: { exitCode: 1 } } })).toBe(false)
  expect(hasCrashed({ name: 'm', restartCount: 0, state: { running: {} } })).toBe(false)
})

test('a ready or finished pod explains nothing', () => {
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  expect(needsEvidence({ metadata: { name: 'p' }, status: ready })).toBe(false)
  expect(needsEvidence({ metadata: { name: 'p' }, status: { phase: 'Succeeded' } })).toBe(false)
  expect(needsEvidence({ metadata: { name: 'p' } })).toBe(true)
})

test('pods of an earlier operation explain nothing, unless there are no others', () => {
  const pod = (name: string, creationTimestamp: string) => ({ metadata: { name, creationTimestamp } })
  const [old, fresh] = [pod('old', '2026-01-01T00:00:00Z'), pod('fresh', '2026-01-01T01:00:00Z')]
  const since = Date.parse('2026-01-01T01:00:00.500Z')
  expect(ofThisTime([old, fresh], since), 'the cluster tells whole seconds').toEqual([fresh])
  expect(ofThisTime([old], since)).toEqual([old])
})

test('the newest events and the last lines are kept', () => {
  const events = Array.from({ length: 15 }, (_, index) => {
    const lastTimestamp = `2026-01-01T00:00:${String(59 - index)}Z`
    return { metadata: { name: `e${index}` }, reason: `r${index}`, lastTimestamp }
  })
  expect(describeEvents(events).map(({ reason }) => reason)).toEqual([
    'r9',
    'r8',
    'r7',
    'r6',
    'r5',
    'r4',
    'r3',
    'r2',
    'r1',
    'r0',
  ])
  expect(describeLog('one\n\ntwo\nthree\n', { lines: 3, bytes: 100 })).toEqual(['two', 'three'])
  expect(describeLog('one\ntwo\nthree', { lines: 4, bytes: 100 })).toEqual(['one', 'two', 'three'])
  expect(describeLog('one\ntwo\nthree', { lines: 4, bytes: 13 }), 'cut by its bytes').toEqual(['two'])
})

test('evidence is cut to its bound: logs of the last pods first', () => {
  const container = { name: 'm', ready: false, restarts: 0, state: 'Running', message: null, exitCode: null }
  const pods = Array.from({ length: 10 }, (_, index) => {
    const log = Array.from({ length: 20 }, () => 'x'.repeat(500))
    return {
      name: `p${index}`,
      phase: 'Running',
      reason: null,
      node: null,
      events: [],
      containers: [{ ...container, log }],
    }
  })
  const whole: Evidence = { workloads: [], pods, incomplete: false }
  const bounded = boundEvidence(whole, 64 * 1024)
  expect(Buffer.byteLength(JSON.stringify(bounded))).toBeLessThanOrEqual(64 * 1024)
  expect(bounded.incomplete).toBe(true)
  expect(bounded.pods).toHaveLength(10)
  expect(bounded.pods[0]?.containers[0]?.log).toHaveLength(20)
  expect(boundEvidence({ ...whole, pods: pods.slice(0, 2) }, 64 * 1024).incomplete).toBe(false)
})
