import { describe, expect, test } from 'vitest'
import type { ExpectedRecords } from '../types.ts'
import { isOvertaken } from './record-guard.ts'

const expected = (change: Partial<ExpectedRecords> = {}): ExpectedRecords => ({
  before: { revision: 2, secretUid: 'u2' },
  makes: 'labelled',
  operationId: 'op',
  ...change,
})
const record = (version: number, change: object = {}) =>
  ({ version, uid: `u${version}`, status: 'deployed', operationId: null, ...change }) as const
const own = (version: number, change: object = {}) =>
  record(version, { status: 'pending-upgrade', operationId: 'op', ...change })

describe('an upgrade is overtaken', () => {
  test.each([
    ['by a revision above its own', [record(2), own(3), record(4)], true],
    ['by a revision in its place', [record(2), record(3)], true],
    ['when its record is gone', [record(2)], true],
    ['when all records are gone', [], true],
    ['when its record is being uninstalled', [record(2), own(3, { status: 'uninstalling' })], true],
    ['when its record was uninstalled and kept', [record(2), own(3, { status: 'uninstalled' })], true],
    ['by a reinstall', [record(1)], true],
  ])('%s', (_name, records, made) => {
    expect(isOvertaken(records, expected(), made)).toBe(true)
  })

  test.each([
    ['by its own record', [record(1), record(2), own(3)], true],
    ['by its own record that is done', [record(2, { status: 'superseded' }), own(3, { status: 'deployed' })], true],
    ['before it made one', [record(1), record(2)], false],
    ['by what it is made over', [record(2, { status: 'uninstalled' })], false],
    ['by its own record over such a one', [record(2, { status: 'uninstalled' }), own(3)], true],
    ['by what helm prunes', [record(2), own(3)], true],
  ])('not %s', (_name, records, made) => {
    expect(isOvertaken(records, expected(), made)).toBe(false)
  })
})

test('an install is overtaken when its record is gone again, not before it is made', () => {
  const first = expected({ before: { revision: 0, secretUid: null } })
  expect(isOvertaken([], first, false)).toBe(false)
  expect(isOvertaken([own(1)], first, true)).toBe(false)
  expect(isOvertaken([], first, true)).toBe(true)
  expect(isOvertaken([record(1)], first, false)).toBe(true)
})

test('a rollback carries the labels of its target: its number tells', () => {
  const rollback = expected({ makes: 'unlabelled' })
  expect(isOvertaken([record(2), record(3, { operationId: 'older' })], rollback, true)).toBe(false)
  expect(isOvertaken([record(3), record(4)], rollback, true)).toBe(true)
  expect(isOvertaken([record(2), record(3, { status: 'uninstalled' })], rollback, true)).toBe(true)
})

test('an uninstall removes records, and is overtaken by a new one', () => {
  const uninstall = expected({ makes: 'nothing' })
  for (const records of [[], [record(1)], [record(1), record(2, { status: 'uninstalling' })]])
    expect(isOvertaken(records, uninstall, false)).toBe(false)
  expect(isOvertaken([record(2), record(3)], uninstall, false)).toBe(true)
  expect(isOvertaken([record(2, { uid: 'another' })], uninstall, false)).toBe(true)
})
