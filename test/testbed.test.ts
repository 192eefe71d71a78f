import { expect, test } from 'vitest'
import { findGo, GoMissingError, isTooOld } from '../testbed/cluster/go.ts'
import { keyOf, modules } from '../testbed/cluster/modules.ts'
import { stagesText } from '../testbed/cluster/stages.ts'

test.each([
  ['go1.19.8', true],
  ['go1.20.14', true],
  ['go1.21.0', false],
  ['go1.26rc1', false],
  ['go2.0', false],
])('%s can fetch no toolchain: %s', (version, expected) => {
  expect(isTooOld(version)).toBe(expected)
})

test('without Go one line says what to do', () => {
  expect(() => findGo('/nowhere', ['/nowhere/go'])).toThrow(GoMissingError)
  expect(new GoMissingError().message).toMatch(/^.*apt-get install golang-go.*$/)
})

test('binaries are kept by what they are built from', () => {
  const keys = modules.map(keyOf)
  expect(new Set(keys).size).toBe(modules.length)
  const [etcd] = modules
  if (etcd === undefined) throw new Error('no module')
  expect(keyOf({ ...etcd, linkerFlags: ['-X a=b'] })).not.toBe(keys[0])
  expect(keyOf({ ...etcd, folder: modules[1]?.folder ?? '' })).not.toBe(keys[0])
})

test('stages are documents of kwok', () => {
  const names = stagesText()
    .split('---')
    .map((text) => (JSON.parse(text) as { metadata: { name: string } }).metadata.name)
  expect(names).toContain('pod-ready')
  expect(new Set(names).size).toBe(names.length)
})
