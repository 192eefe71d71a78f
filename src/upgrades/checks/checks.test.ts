import { describe, expect, test } from 'vitest'
import type { Execution, FleetSight, Member } from '../core/model.ts'
import type { BackupSight } from '../drivers/backups.ts'
import type { Room } from '../drivers/room.ts'
import { backup } from './backup.ts'
import { postCheck, preCheck } from './finding.ts'
import { healthEndpoints } from './health-endpoints.ts'
import { postChecks } from './post-checks.ts'
import { resources, surgeRoomOf } from './resources.ts'

const hour = 3_600_000
const now = 1_000 * hour

describe('backup', () => {
  const missing: BackupSight = { kind: 'missing', detail: 'none is complete', claims: ['data-0'] }
  const recorded = (ageHours: number) => ({
    ...{ id: 'b', tenantId: 't', namespace: 'n', reference: 's3://1', recordedBy: 'somebody', createdAt: now },
    takenAt: now - ageHours * hour,
  })

  test.each([
    ['nothing to back up', { kind: 'nothing-to-back-up' }, null, 'PASSED'],
    ['one in the cluster', { kind: 'found', reference: 'Backup b', takenAt: now - hour }, null, 'PASSED'],
    ['none', missing, null, 'FAILED'],
    ['a recorded one of today', missing, recorded(24), 'PASSED'],
    ['a recorded one that is too old', missing, recorded(24.1), 'FAILED'],
  ] as const)('%s', (_, sight, told, status) => {
    expect(backup(sight, told, now)).toMatchObject({ status })
  })
})

const spec = { strategy: 'ROLLING', maxUnavailablePercentage: 25 }
const execution = (more: object = {}, surge = true) =>
  ({
    ...{ spec: { ...spec, ...more }, currentInstances: 4, healthEndpoint: { path: '/health', port: 80 } },
    ...{ capabilities: { surge }, from: { version: '1.0.0' }, to: { version: '1.1.0' } },
  }) as unknown as Execution
const room = (pods: number): Room => ({ pods, evidence: { quotas: [], nodes: null } })

describe('room', () => {
  test.each([
    ['enough', execution(), 9, 'PASSED', 4],
    ['some', execution(), 1, 'PASSED', 1],
    ['none', execution(), 0, 'WARNING', 0],
    ['none, and none is needed', execution({}, false), 0, 'PASSED', 0],
    ['none, all at once', execution({ strategy: 'RECREATE' }), 0, 'PASSED', 0],
    ['too little for a whole green set', execution({ strategy: 'BLUE_GREEN' }), 3, 'FAILED', 3],
    ['enough for a whole green set', execution({ strategy: 'BLUE_GREEN' }), 4, 'PASSED', 4],
  ] as const)('%s', (_, of, pods, status, surge) => {
    expect(resources(of, room(pods))).toMatchObject({ status })
    expect(surgeRoomOf(of, room(pods))).toBe(surge)
  })
})

const member = (name: string, more: Partial<Member> = {}): Member => ({
  ...{ pod: { name, uid: name }, key: null, side: 'target', ready: true, terminating: false, problem: null },
  ...more,
})
const fleet = (members: readonly Member[], probes: Record<string, 'good' | 'bad'>): FleetSight => ({
  ...{
    kind: 'present',
    wanted: 2,
    places: null,
    members,
    gate: { kind: 'none' },
    template: null,
    pin: null,
    probes,
    refusals: {},
  },
  ...{ others: { settled: true, uniform: true, blockers: [] }, whyNoPods: null },
})

test('health endpoints: none answers, some do, all do; without one readiness decides', () => {
  const asked = (probes: Record<string, 'good' | 'bad'>) => healthEndpoints(execution(), fleet([], probes)).status
  expect(asked({})).toBe('FAILED')
  expect(asked({ a: 'bad' })).toBe('FAILED')
  expect(asked({ a: 'bad', b: 'good' })).toBe('WARNING')
  expect(asked({ a: 'good', b: 'good' })).toBe('PASSED')
  expect(healthEndpoints({ healthEndpoint: null }, fleet([], {})).status).toBe('PASSED')
})

describe('post-checks', () => {
  const statuses = (sight: FleetSight) =>
    postChecks(execution(), sight)?.checks.map(({ name, status }) => [name, status])

  test('pass for a fleet on the target that is ready and answers; what is on its way out does not count', () => {
    const members = [member('a'), member('b'), member('c', { side: 'previous', ready: false, terminating: true })]
    expect(statuses(fleet(members, { a: 'good', b: 'good' }))).toEqual([
      ['VERSION', 'PASSED'],
      ['READY', 'PASSED'],
      ['HEALTH', 'PASSED'],
    ])
  })

  test('name what is wrong', () => {
    const report = postChecks(
      execution(),
      fleet([member('a', { side: 'previous', ready: false, problem: 'slow' })], { a: 'bad' }),
    )
    expect(report?.checks.map(({ message }) => message)).toEqual([
      'a runs 1.0.0',
      '1 of 2 instances are not there; a: slow',
      'the health endpoint of a does not answer well',
    ])
    expect(report?.checks.map(({ status }) => status)).toEqual(['PENDING', 'PENDING', 'PENDING'])
    const unasked = postChecks(execution(), fleet([member('a')], {}))
    expect(unasked?.checks.at(-1)).toMatchObject({ message: 'the health endpoint of a has given no answer' })
    expect(postChecks(execution(), { kind: 'gone', why: 'it is gone' })).toBeNull()
  })
})

test('an override turns a failed check into OVERRIDDEN, with its reason, and leaves the others', () => {
  const overrides = [{ check: 'BACKUP', reason: 'we can lose it' }] as const
  const finding = { status: 'FAILED', message: 'none', evidence: null } as const
  expect(preCheck('BACKUP', finding, overrides)).toMatchObject({
    status: 'OVERRIDDEN',
    message: 'none (overridden: we can lose it)',
  })
  expect(preCheck('RESOURCES', finding, overrides).status).toBe('FAILED')
  expect(preCheck('BACKUP', { ...finding, status: 'PASSED' }, overrides).status).toBe('PASSED')
})

test('a post-check names the first few only', () => {
  const wrong = Array.from({ length: 7 }, (_, n) => `w${n}`)
  expect(postCheck('READY', 'fine', wrong, null).message).toBe('w0; w1; w2; w3; w4 and 2 more')
})
