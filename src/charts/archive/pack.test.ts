import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packFolder } from './folder.ts'
import { readIgnore } from './ignore.ts'
import { Budget } from './limits.ts'
import { digestOf } from './read.ts'
import { readTar } from './tar-reader.ts'
import { packFiles } from './tar-writer.ts'
import { chartFixture } from './testing.ts'

const unpack = (archive: Buffer) =>
  new Map(readTar(gunzipSync(archive), new Budget()).map(({ path, content }) => [path, content.toString('utf8')]))

describe('packing', () => {
  const segment = fc.stringMatching(/^[a-zäöü€0-9_-]{1,40}$/)
  const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
  const files = fc.dictionary(path, fc.string(), { maxKeys: 8 })

  test('what is packed is read back, whatever the names', () => {
    fc.assert(
      fc.property(files, (dictionary) => {
        const entries = Object.entries(dictionary)
        const read = unpack(packFiles('demo', new Map(entries.map(([name, text]) => [name, Buffer.from(text)]))))
        expect([...read].sort()).toEqual(
          entries.map(([name, text]) => [`demo/${name}`, Buffer.from(text).toString()]).sort(),
        )
      }),
    )
  })

  test('the order of the files does not change the bytes', () => {
    const forward = chartFixture('demo', '1.0.0')
    const backward = new Map([...forward].reverse())
    expect(packFiles('demo', backward)).toEqual(packFiles('demo', forward))
  })

  test('the bytes stay what they were: a digest that is kept must match tomorrow', () => {
    const digest = digestOf(packFiles('demo', chartFixture('demo', '1.0.0')))
    expect(digest).toBe('09760a29a4d2f190ad4a77066e0d3a1ad27a0d9dba307b7082528fc7ab7d19a1')
  })
})

describe('a chart folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-chart-'))
    for (const [path, content] of chartFixture('demo', '1.0.0')) await write(path, content)
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function write(path: string, content: string | Buffer): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }

  test('is packaged like the same files, without what .helmignore names', async () => {
    await write('notes.txt~', 'x')
    await write('ci/values.yaml', 'x')
    await write('templates/.map.yaml.swp', 'x')
    await write('.helmignore', '# editors\n*~\nci/\n')
    const expected = chartFixture('demo', '1.0.0', { '.helmignore': '# editors\n*~\nci/\n' })
    expect(await packFolder(folder)).toEqual(packFiles('demo', expected))
  })

  test('may hold no symlink', async () => {
    await symlink('/etc/passwd', join(folder, 'secret'))
    await expect(packFolder(folder)).rejects.toMatchObject({ code: 'chart_invalid', extra: { reason: 'link' } })
  })

  test('must hold a Chart.yaml', async () => {
    await rm(join(folder, 'Chart.yaml'))
    await expect(packFolder(folder)).rejects.toMatchObject({ extra: { reason: 'chart_yaml' } })
  })
})

test.each([
  ['*.bak', 'a/b.bak', false, true],
  ['*.bak', 'a/b.bak.txt', false, false],
  ['/top', 'top', false, true],
  ['/top', 'a/top', false, false],
  ['a/*', 'a/b', false, true],
  ['a/*', 'a/b/c', false, false],
  ['dir/', 'dir', true, true],
  ['dir/', 'dir', false, false],
  ['?x[a-c]', 'yxb', false, true],
  ['?x[^a-c]', 'yxb', false, false],
  ['a.b', 'axb', false, false],
  ['# a comment', '# a comment', false, false],
  ['!keep', 'other', false, true],
  ['!keep', 'keep', false, false],
  ['', 'templates/.hidden', false, true],
])('.helmignore %j on %j (folder: %j): %j', (rule, path, folder, ignored) => {
  expect(readIgnore(rule)(path, folder)).toBe(ignored)
})
