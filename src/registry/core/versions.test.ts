import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coerceVersion, compareCoerced, compareVersions, isBetween, isInRange, upgradeTypeOf } from './versions.ts'

test.each([
  ['1.2.3', '1.2.3'],
  ['16.1', '16.1.0'],
  ['16', '16.0.0'],
  ['v2', '2.0.0'],
  ['v1.2.3', '1.2.3'],
  ['3.7.0-rc.1', '3.7.0-rc.1'],
  ['1.2.3.4', '1.2.3'],
  ['latest', null],
  ['pg-16', null],
  ['', null],
  ['-1', null],
  [' 1.2.3', null],
  ['2024.01.15', '2024.1.15'],
  ['16.1-alpine', '16.1.0-alpine'],
  ['3.6.0.Final', '3.6.0'],
  ['1.2.3-', '1.2.3'],
  ['9'.repeat(17), null],
  [`${'9'.repeat(20)}.1.0`, null],
  [`1.${'9'.repeat(400)}`, null],
])('%j counts as %j', (text, version) => {
  expect(coerceVersion(text)).toBe(version)
})

test('a semantic version counts as itself, without its build', () => {
  const number = fc.nat(99)
  fc.assert(
    fc.property(number, number, number, fc.constantFrom('', '-rc.1', '-0.alpha'), (major, minor, patch, pre) => {
      const version = `${major}.${minor}.${patch}${pre}`
      expect(coerceVersion(version)).toBe(version)
      expect(coerceVersion(`${version}+build.5`)).toBe(version)
      expect(compareVersions(version, `${version}+build.5`)).toBe(0)
    }),
  )
})

test.each([
  ['1.0.0', '1.0.1', 'PATCH'],
  ['1.0.0-rc.1', '1.0.0', 'PATCH'],
  ['1.0.0-rc.1', '1.0.0-rc.2', 'PATCH'],
  ['1.0.9', '1.1.0', 'MINOR'],
  ['1.9.0', '1.10.0-rc.1', 'MINOR'],
  ['1.9.9', '2.0.0-rc.1', 'MAJOR'],
  ['0.9.0', '1.0.0', 'MAJOR'],
])('%s to %s is %s', (from, to, type) => {
  expect(upgradeTypeOf(from, to)).toBe(type)
})

test('what is no semantic version has no type of upgrade', () => {
  expect(() => upgradeTypeOf('1.0', '1.1.0')).toThrow('1.0 is no semantic version')
})

test.each([
  ['16.1', '>=16', true],
  ['16.1', '^15.0.0', false],
  ['3.6.0', '3.6.x || 3.7.x', true],
  ['3.7.0-rc.1', '>=3.6.0', true],
  ['3.7.0-rc.1', '>=3.7.0', false],
  ['latest', '*', false],
])('%s in %s: %s', (version, range, expected) => {
  expect(isInRange(version, range)).toBe(expected)
})

describe('between', () => {
  test.each([
    ['1.30', null, null, true],
    ['1.30', '1.30.0', '1.30', true],
    ['1.29.9', '1.30', null, false],
    ['1.31', null, '1.30', false],
    ['1.9.0', '1.10', null, false],
  ])('%s between %s and %s: %s', (version, min, max, expected) => {
    expect(isBetween(version, min, max)).toBe(expected)
  })

  test('an unreadable version is the fault of who asks', () => {
    expect(() => compareCoerced('new', '1.0.0')).toThrow('new cannot be read')
  })
})
