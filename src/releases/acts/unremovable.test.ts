import { expect, test } from 'vitest'
import type { KindRef } from '../../infra/kubernetes/index.ts'
import { whyFirst, whyUnremovable } from './unremovable.ts'

const release = { namespace: 'team', name: 'web' }
const yaml = (...objects: readonly object[]): string =>
  objects.map((object) => `---\n# Source: web/templates/x.yaml\n${JSON.stringify(object)}\n`).join('')
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
const gadget = { apiVersion: 'example.test/v1', kind: 'Gadget', metadata: { name: 'b' } }
const all = async () => null
const noGadgets = async (kinds: readonly KindRef[]) => kinds.find(({ kind }) => kind === 'Gadget') ?? null

test('a kind that the cluster does not know is named, with both ways out', async () => {
  const why = await whyUnremovable(yaml(map, gadget), noGadgets, release)
  expect(why).toMatch(/^the cluster does not know Gadget of example\.test\/v1: an admin can define it again/)
  expect(why).toContain('kubectl -n team delete secret -l owner=helm,name=web')
  expect(await whyUnremovable(yaml(map, gadget), all, release)).toBeNull()
})

test('an object without a name is named by its kind and template, in a list too', async () => {
  const nameless = { ...map, metadata: { generateName: 'a-' } }
  for (const object of [nameless, { apiVersion: 'v1', kind: 'List', items: [map, nameless] }]) {
    const why = await whyUnremovable(yaml(map, object), all, release)
    expect(why).toMatch(/^helm cannot delete ConfigMap of web\/templates\/x\.yaml, which has no metadata\.name/)
  }
})

test('a record that was made to be long costs neither a long text nor many requests', async () => {
  const many = Array.from({ length: 200 }, (_, nth) => ({ ...gadget, kind: `Kind${nth}` }))
  const asked: number[] = []
  const count = async (kinds: readonly KindRef[]) => {
    asked.push(kinds.length)
    return null
  }
  expect(await whyUnremovable(yaml(...many), count, release)).toBeNull()
  expect(asked).toEqual([50])
  const long = { ...gadget, kind: 'K'.repeat(1000) }
  expect((await whyUnremovable(yaml(long), async ([first]) => first ?? null, release))?.length).toBeLessThan(400)
  expect((await whyUnremovable(yaml({ ...long, metadata: {} }), all, release))?.length).toBeLessThan(400)
})

test('what a person can do is there also where what the cluster refused fills all that is told', async () => {
  const why = await whyUnremovable(yaml(map, gadget), noGadgets, release)
  const { detail } = whyFirst({ code: 'helm_failed', detail: 'x'.repeat(3000) }, why ?? '')
  expect(detail.slice(0, 1000)).toContain(why)
  expect(detail).toContain('UNINSTALLED; x')
})
