import { expect, test } from 'vitest'
import { claimPattern } from './gone.ts'
import { readRecord } from './helmwatch.ts'
import { whyKept } from './kept.ts'
import { ManifestError, type ManifestObject, parseManifest } from './manifest.ts'
import { isOld } from './watch/version.ts'

const only = (text: string): ManifestObject => {
  const [object, ...others] = parseManifest(text)
  if (object === undefined || others.length > 0) throw new Error('not one object')
  return object
}

test('a manifest is read as its objects', () => {
  const text = `---
# Source: chart/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: other}
---
# nothing but a comment
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: b, annotations: {helm.sh/hook: pre-install, count: 1}}}
`
  const [a, b, ...none] = parseManifest(text)
  expect(a).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'other', hook: null })
  expect(b).toMatchObject({ name: 'b', namespace: null, hook: 'pre-install', annotations: { count: '1' } })
  expect(none).toEqual([])
  expect(parseManifest('')).toEqual([])
  expect(parseManifest('---\n')).toEqual([])
})

test('a manifest is read as helm reads it, merged keys and all', () => {
  const keep = 'x: &keep {helm.sh/resource-policy: keep}\n'
  const object = only(
    `${keep}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {<<: *keep}}\nmode: 010`,
  )
  expect(whyKept(object)).toBe('kept by its resource policy')
  expect(object.body.mode).toBe(8)
})

test('a broken manifest is refused without its text', () => {
  for (const text of ['a: {secret', '- secret', 'kind: Secret\nmetadata: {name: secret}']) {
    expect(() => parseManifest(text)).toThrow(ManifestError)
    expect(() => parseManifest(text)).not.toThrow(/secret/)
  }
})

test('one that repeats itself without end is refused as a broken one', () => {
  const repeated = Array.from({ length: 1_200 }, (_, n) => `  k${n}: *a\n`).join('')
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: &a secret\n${repeated}`
  expect(() => parseManifest(text)).toThrow(ManifestError)
  expect(() => parseManifest(text)).not.toThrow(/secret/)
})

test('what stays after an uninstall is known from the manifest', () => {
  const base = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a'
  expect(whyKept(only(`${base}}`))).toBeNull()
  expect(whyKept(only(`${base}, annotations: {helm.sh/resource-policy: keep}}`))).toBe('kept by its resource policy')
  expect(whyKept(only(`${base}, annotations: {helm.sh/hook: test}}`))).toBe('made by a hook')
})

test('the claims of a StatefulSet are known by their names, unless they go with it', () => {
  const set = (more = '') =>
    only(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: my.store}
spec: {volumeClaimTemplates: [{metadata: {name: data}}, {metadata: {name: log}}]${more}}
`)
  const pattern = claimPattern(set())
  expect(['data-my.store-0', 'log-my.store-12'].every((name) => pattern?.test(name))).toBe(true)
  expect(
    ['data-myxstore-0', 'data-my.store-a', 'tmp-my.store-0', 'data-my.store-2-0'].some((n) => pattern?.test(n)),
  ).toBe(false)
  expect(claimPattern(set(', persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}'))).toBeNull()
})

test('a Secret is a release record only when its name and labels agree', () => {
  const metadata = { namespace: 'ns', uid: 'u', resourceVersion: '5' }
  const labels = { name: 'web', version: '3', status: 'deployed' }
  const record = readRecord({ ...metadata, name: 'sh.helm.release.v1.web.v3', labels })
  expect(record).toMatchObject({ release: 'web', revision: 3, status: 'deployed' })
  expect(readRecord({ ...metadata, name: 'sh.helm.release.v1.other.v3', labels })).toBeNull()
  expect(readRecord({ ...metadata, name: 'sh.helm.release.v1.web.v4', labels })).toBeNull()
  expect(readRecord({ ...metadata, name: 'anything' })).toBeNull()
})

test('versions are compared as numbers, and only when they are', () => {
  expect(isOld('9', '10')).toBe(true)
  expect(isOld('10', '10')).toBe(true)
  expect(isOld('11', '10')).toBe(false)
  expect(isOld('100', '99')).toBe(false)
  expect(isOld('x', 'y')).toBe(false)
})
