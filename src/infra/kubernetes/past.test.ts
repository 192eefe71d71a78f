import { expect, test } from 'vitest'
import { type PastRevision, readPast } from './past.ts'

const map = (name: string, annotations = '') =>
  `---\n# Source: chart/templates/${name}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${annotations}`
const hook = (name: string) => map(name, '  annotations: { helm.sh/hook: pre-install }\n')

/** Revisions, newest first, and which of them were asked for. */
function historyOf(...manifests: readonly (string | null)[]) {
  const asked: number[] = []
  async function* revisions(): AsyncGenerator<PastRevision> {
    for (const [index, manifest] of manifests.entries()) {
      const revision = manifests.length - index
      asked.push(revision)
      yield { revision, manifest }
    }
  }
  return { asked, revisions: revisions() }
}

const limits = { revisions: 100, characters: 100_000, objects: 100 }
const namesOf = async (history: AsyncIterable<PastRevision>, given = limits) => {
  const { objects, unread } = await readPast(history, given)
  return { named: objects.map(({ object, revision }) => `${object.name} ${revision}`), unread }
}

test('an object is of the last revision that named it; of the newest one only hooks count', async () => {
  const { revisions } = historyOf(map('a') + hook('h'), map('a') + map('b'), map('a') + map('b') + map('c') + hook('h'))
  expect(await namesOf(revisions)).toEqual({ named: ['h 3', 'b 2', 'c 1'], unread: null })
})

test('what is no object is passed over, and a text that stands in a value begins no document', async () => {
  const text =
    '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: t }\ndata:\n  text: |\n    ---\n    kind: Nothing\n'
  const { revisions } = historyOf('', `${text}---\nwords\n${map('b')}`)
  expect(await namesOf(revisions)).toEqual({ named: ['t 1', 'b 1'], unread: null })
})

const aliases = `${map('many')}data: { a: &a "x", ${Array.from({ length: 1_001 }, (_, n) => `k${n}: *a`).join(', ')} }\n`

test('what cannot be read is told, and the rest is read', async () => {
  const { revisions } = historyOf(map('a'), `---\n{ not: [yaml\n${map('b')}`, null, map('c') + aliases, map('d'))
  const { objects, unread, unreadable } = await readPast(revisions, limits)
  expect(objects.map(({ object }) => object.name)).toEqual(['b', 'c', 'd'])
  expect({ unread, unreadable }).toEqual({ unread: null, unreadable: [4, 3, 2] })
})

test('the same that cannot be read counts for the last revision that has it', async () => {
  const { unreadable } = await readPast(historyOf(map('a'), aliases, aliases).revisions, limits)
  expect(unreadable).toEqual([2])
})

test('the same document costs once', async () => {
  const same = map('a') + map('b')
  const { revisions } = historyOf(...Array.from({ length: 50 }, () => same))
  expect(await namesOf(revisions, { ...limits, characters: same.length })).toEqual({ named: [], unread: null })
})

test.each([
  ['revisions', { ...limits, revisions: 2 }, ['b 3']],
  ['characters', { ...limits, characters: 2 * map('a').length }, ['b 3']],
  ['objects', { ...limits, objects: 2 }, ['b 3']],
])('beyond a limit of %s no further revision is read, and it says from which on', async (_, given, named) => {
  const { revisions, asked } = historyOf(map('a'), map('b'), map('c'), map('d'))
  expect(await namesOf(revisions, given)).toEqual({ named, unread: 2 })
  expect(asked).toEqual([4, 3, 2])
})
