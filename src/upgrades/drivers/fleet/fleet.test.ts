import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import type { Side } from '../../core/model.ts'
import { daemonSet } from '../daemon-set/index.ts'
import { deployment } from '../deployment/index.ts'
import { hashesFor, strayVersion } from '../gate/hashes.ts'
import { pinOf } from '../services/read-pin.ts'
import { selects } from '../services/select.ts'
import { claimNames, takesHostPort } from '../surge.ts'
import { beyondBudgets } from './evictions.ts'
import { type FleetPod, membersOf, presentHashes } from './members.ts'
import { isUniform, progressOf } from './others.ts'
import { isHealthPath } from './probes.ts'

const sides = { previous: 'old', target: 'new' }
const conditions = (ready: boolean) => [{ type: 'Ready', status: ready ? 'True' : 'False' }]
const pod = (name: string, hash: string, status: FleetPod['status'] = {}): FleetPod => ({
  metadata: { name, uid: `uid-${name}`, labels: { app: 'web', 'pod-template-hash': hash } },
  status: { phase: 'Running', conditions: conditions(true), ...status },
})
const going = (each: FleetPod): FleetPod => ({
  ...each,
  metadata: { ...each.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
})

describe('members', () => {
  test('are pods, each on its side; those on their way out take no place', () => {
    const members = membersOf(deployment, [pod('a', 'old'), pod('b', 'new'), going(pod('c', 'odd'))], sides)
    expect(members.map(({ side, ready, terminating }) => ({ side, ready, terminating }))).toEqual([
      { side: 'previous', ready: true, terminating: false },
      { side: 'target', ready: true, terminating: false },
      { side: 'other', ready: false, terminating: true },
    ])
  })

  test('that are ready tell since when, where the cluster tells it', () => {
    const since = (status: string, lastTransitionTime: string | null) =>
      membersOf(
        deployment,
        [pod('a', 'old', { conditions: [{ type: 'Ready', status, lastTransitionTime }] })],
        sides,
      )[0]
    expect(since('True', '2026-01-01T00:00:07Z')?.readySince).toBe(Date.UTC(2026, 0, 1, 0, 0, 7))
    for (const member of [since('True', null), since('False', '2026-01-01T00:00:07Z')]) {
      expect(member).not.toHaveProperty('readySince')
    }
  })

  const version = (number: string) => ({ id: number, version: number, chartVersion: number })
  const ends = { from: version('1.0.0'), to: version('2.0.0'), deployed: false, change: null }
  const lineage = { owners: new Set<string>(), current: 'old' }

  test('on neither side tell their version, where it is known', () => {
    const hashes = { '0.9.0': 'odd', '1.0.0': 'old' }
    const tell = (hash: string, side: Side) => strayVersion(hash, side, hashes, ends)
    const members = membersOf(deployment, [pod('a', 'old'), pod('b', 'odd'), pod('c', 'rare')], sides, tell)
    expect(members.map((member) => member.version)).toEqual([undefined, '0.9.0', undefined])
  })

  test.each([
    ['the template is that of the version before', '1.0.0', ['old'], { '1.0.0': 'old' }],
    ['after a failed upgrade it is that of the attempt', '1.5.0', ['old', 'was'], { '1.5.0': 'old', '1.0.0': 'was' }],
    ['of two templates beside it nobody knows which it was', '1.5.0', ['was', 'a', 'old'], { '1.5.0': 'old' }],
    ['nobody knows the newest revision', null, ['old', 'was'], { '1.0.0': 'old' }],
  ])('tell it where no gate has noted one: %s', (_, newest, present, known) => {
    expect(hashesFor(null, lineage, present, ends, newest)).toEqual(known)
  })

  test.each([
    ['it has applied the target', 'to', { '2.0.0': 'old', '1.0.0': 'was' }],
    ['it has applied nothing', 'from', { '1.0.0': 'old' }],
    ['nobody has looked', 'newest', { '1.5.0': 'old', '1.0.0': 'was' }],
  ] as const)('tell it after a failed upgrade: %s', (_, template, known) => {
    const looked = { ...ends, change: { podsChange: true, others: [], surgeRoom: 0, template } }
    expect(hashesFor(null, lineage, ['old', 'was'], looked, '1.5.0')).toEqual(known)
  })

  test('of a failed upgrade are told apart from those of the version before', () => {
    const pods = [pod('broken', 'old'), pod('sound', 'was')]
    const hashes = hashesFor(null, lineage, presentHashes(deployment, pods), ends, '1.5.0')
    const tell = (hash: string, side: Side) => strayVersion(hash, side, hashes, ends)
    const members = membersOf(deployment, pods, { previous: 'old', target: null }, tell)
    expect(members).toMatchObject([
      { side: 'previous', version: '1.5.0' },
      { side: 'other', version: '1.0.0' },
    ])
  })

  test('of a Deployment are no pods that have ended; of a DaemonSet they hold their node', () => {
    const ended = pod('a', 'old', { phase: 'Failed', reason: 'Evicted' })
    expect(membersOf(deployment, [ended], sides)).toEqual([])
    expect(membersOf(daemonSet, [ended], sides)).toMatchObject([{ ready: false, problem: 'it is Failed (Evicted)' }])
  })

  const unready = { conditions: conditions(false) }
  test.each([
    [{ ...unready, phase: 'Pending' }, 'it is Pending'],
    [unready, 'it is not ready'],
    [
      {
        ...unready,
        containerStatuses: [{ name: 'main', state: { waiting: { reason: 'CrashLoopBackOff', message: 'secret' } } }],
      },
      'container main: CrashLoopBackOff',
    ],
    [{ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes' }] }, '0/3 nodes'],
    [
      {
        ...unready,
        initContainerStatuses: [{ name: 'init', state: { terminated: { reason: 'Completed' } } }],
        containerStatuses: [{ name: 'main', state: { terminated: { reason: 'OOMKilled' } } }],
      },
      'container main: OOMKilled',
    ],
  ])('say why they are not ready: %o', (status, problem) => {
    expect(membersOf(deployment, [pod('a', 'old', status)], sides)).toMatchObject([{ problem, ready: false }])
  })
})

describe('budgets', () => {
  const budget = (name: string, disruptionsAllowed: number, app = 'web') => ({
    metadata: { name },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  })
  const pods = [pod('a', 'old'), pod('b', 'old'), pod('c', 'old')]

  test('let as many go together as they say, the first ones first', () => {
    expect(Object.keys(beyondBudgets(pods, [budget('two', 2), budget('other', 0, 'other')]))).toEqual(['uid-c'])
    expect(Object.keys(beyondBudgets(pods, [budget('two', 2), budget('one', 1)]))).toEqual(['uid-b', 'uid-c'])
    expect(beyondBudgets(pods, [])).toEqual({})
  })

  test('are not spent by a pod that is unready already', () => {
    const unready = pod('a', 'old', { conditions: conditions(false) })
    expect(Object.keys(beyondBudgets([unready, ...pods.slice(1)], [budget('one', 1)]))).toEqual(['uid-c'])
  })
})

describe('a pin', () => {
  const members = membersOf(deployment, [pod('a', 'old'), pod('b', 'old'), pod('c', 'new')], sides)
  const slice = (...uids: readonly string[]) => ({
    metadata: { name: 'slice' },
    endpoints: uids.map((uid) => ({ conditions: { ready: true }, targetRef: { uid } })),
  })
  const seen = (hash: string | null, ...uids: readonly string[]) => ({ hash, slices: [slice(...uids)] })

  test.each([
    ['none', [seen(null)], null],
    ['to one side', [seen('old', 'uid-a', 'uid-b')], { to: 'previous', endpoints: 2 }],
    ['that the endpoints have not followed yet', [seen('new', 'uid-a', 'uid-b')], { to: 'target', endpoints: 0 }],
    [
      'counts the Service with the fewest',
      [seen('old', 'uid-a', 'uid-b'), seen('old', 'uid-a')],
      { to: 'previous', endpoints: 1 },
    ],
    ['to both sides is to neither', [seen('old', 'uid-a'), seen('new', 'uid-c')], { to: 'other', endpoints: 0 }],
    ['of some only is to neither', [seen('old', 'uid-a'), seen(null)], { to: 'other', endpoints: 0 }],
  ] as const)('%s', (_, services, wanted) => {
    expect(pinOf(services, sides, members)).toEqual(wanted)
  })

  test.each([
    [{ app: 'web' }, true],
    [{ app: 'web', 'pod-template-hash': 'gone' }, true],
    [{ app: 'other' }, false],
    [{ 'pod-template-hash': 'old' }, false],
    [{}, false],
    [undefined, false],
  ])('is for Services that select the pods: %o', (selector, wanted) => {
    const service = { metadata: { name: 's' }, spec: selector === undefined ? {} : { selector } }
    expect(selects(service, { app: 'web', 'pod-template-hash': 'old' })).toBe(wanted)
  })
})

test.each([
  ['/healthz', true],
  ['/health/ready?full=1', true],
  ['healthz', false],
  ['/../secrets', false],
  ['/a%2fb', false],
  ['//host/path', false],
  ['/a b', false],
  ['/a\r\nX: y', false],
])('an endpoint of health is a plain path: %s', (path, wanted) => {
  expect(isHealthPath(path)).toBe(wanted)
})

test('what pods share keeps a second one from running beside the first', () => {
  expect(takesHostPort({ containers: [{ ports: [{ containerPort: 80 }] }] })).toBe(false)
  expect(takesHostPort({ containers: [{ ports: [{ hostPort: 80 }] }] })).toBe(true)
  expect(takesHostPort({ hostNetwork: true })).toBe(true)
  const volumes = [
    { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
    { name: 'b', emptyDir: {} },
  ]
  expect(claimNames({ volumes })).toEqual(['data'])
})

describe('without a gate a workload would not move', () => {
  const at = (status: JsonObject) => ({
    metadata: { name: 'web', generation: 2 },
    status: { observedGeneration: 2, ...status },
  })

  test.each([
    ['of its pods all are of the present template', { replicas: 3, updatedReplicas: 3 }, true],
    ['of its pods some are not', { replicas: 3, updatedReplicas: 1 }, false],
    ['it has none', {}, true],
    ['on every node', { desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2 }, true],
    ['not on every node', { desiredNumberScheduled: 2, currentNumberScheduled: 2 }, false],
    ['its controller has not seen the template', { replicas: 3, updatedReplicas: 3, observedGeneration: 1 }, false],
  ])('%s: %o', (_, status, expected) => expect(isUniform(at(status))).toBe(expected))
})

describe('how far another workload is', () => {
  const at = (status: JsonObject) => ({
    metadata: { name: 'second', generation: 2 },
    status: { observedGeneration: 2, ...status },
  })

  test.each([
    ['no pod of it is ready yet', { replicas: 3 }, 0],
    ['one is updated, and the others are ready', { updatedReplicas: 1, readyReplicas: 2 }, 3],
    ['on every node', { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 2 }, 4],
    ['its controller speaks of an older spec', { updatedReplicas: 3, readyReplicas: 3, observedGeneration: 1 }, 0],
  ])('%s: %o', (_, status, expected) => expect(progressOf(at(status))).toBe(expected))
})
