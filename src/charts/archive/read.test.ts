import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Problem } from '../../core/problems.ts'
import type { ChartFault } from './faults.ts'
import { readChart } from './read.ts'
import { packFiles } from './tar-writer.ts'
import { chartFixture, packedFixture, rawArchive, rawEntry } from './testing.ts'

const chartYaml = rawEntry('demo/Chart.yaml', 'apiVersion: v2\nname: demo\nversion: 1.0.0\n')

/** The `reason` for which reading fails; anything but a `chart_invalid` fails the test. */
async function reasonOf(archive: Buffer): Promise<unknown> {
  const error = await readChart(archive).then(
    () => expect.fail('the chart was accepted'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Problem)
  expect(error).toMatchObject({ code: 'chart_invalid' })
  return error instanceof Problem ? error.extra.reason : null
}

describe('a good chart', () => {
  test('is read with its metadata, defaults, schema and digest', async () => {
    const archive = packedFixture('demo', '1.2.3-rc.1+build', { 'values.schema.json': '{"type":"object"}' })
    const chart = await readChart(archive)
    expect(chart.metadata).toMatchObject({
      name: 'demo',
      version: '1.2.3-rc.1+build',
      appVersion: '1',
      type: 'application',
    })
    expect(chart.defaults).toEqual({ greeting: 'hello' })
    expect(chart.schema).toEqual({ type: 'object' })
    expect(chart.digest).toBe(createHash('sha256').update(archive).digest('hex'))
  })

  test('may hold charts, as folders and packaged, and names them as dependencies', async () => {
    const files = chartFixture('demo', '1.0.0', {
      'Chart.yaml':
        'apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies: [{name: one, version: 1.x}, {name: two, version: 1.x}]\n',
      'charts/one/Chart.yaml': 'apiVersion: v2\nname: one\nversion: 1.0.0\ntype: library\n',
      'charts/README.md': 'not a chart',
      'charts/_draft/x': 'not a chart either',
    })
    files.set('charts/two-1.0.0.tgz', packedFixture('two', '1.0.0'))
    const chart = await readChart(packFiles('demo', files))
    expect(chart.subcharts.map(({ metadata }) => metadata.name)).toEqual(['one', 'two'])
  })

  test('is read with the YAML words that helm knows', async () => {
    const chart = await readChart(
      packedFixture('demo', '1.0.0', { 'values.yaml': 'on: no\nday: 2024-01-01\nmode: 0755\nt: 1:30\n' }),
    )
    expect(chart.defaults).toEqual({ true: false, day: '2024-01-01', mode: 493, t: '1:30' })
  })
})

describe('a bad chart is refused with its reason', () => {
  const withFile = (path: string, text: string) => packedFixture('demo', '1.0.0', { [path]: text })
  const chart = (text: string) => withFile('Chart.yaml', text)
  const nested = (depth: number): Buffer => {
    const files = chartFixture('demo', '1.0.0')
    if (depth > 0) files.set('charts/demo.tgz', nested(depth - 1))
    return packFiles('demo', files)
  }
  const many = new Map([...Array(10_001).keys()].map((n) => [`f${n}`, Buffer.alloc(0)]))
  const zeros = Buffer.alloc(5 * 1024 * 1024)
  const bomb = new Map([...Array(21).keys()].map((n) => [`f${n}`, zeros]))
  const nestedBomb = (): Buffer => {
    const files = [...Array(11).keys()].map((n) => rawEntry(`c/f${n}`, '\0'.repeat(zeros.length)))
    const half = rawArchive(rawEntry('c/Chart.yaml', 'apiVersion: v2\nname: c\nversion: 1.0.0\n'), ...files)
    return packFiles('demo', chartFixture('demo', '1.0.0').set('charts/a.tgz', half).set('charts/b.tgz', half))
  }

  const cases: readonly (readonly [string, ChartFault, () => Buffer])[] = [
    ['nothing', 'not_an_archive', () => Buffer.alloc(0)],
    ['text', 'not_an_archive', () => Buffer.from('hello')],
    ['gzip of text', 'not_an_archive', () => gzipSync('hello')],
    ['an empty tar', 'chart_yaml', () => rawArchive()],
    ['more than 10 MiB packed', 'packed_too_large', () => Buffer.alloc(10 * 1024 * 1024 + 1)],
    ['more than 100 MiB unpacked', 'unpacked_too_large', () => gzipSync(Buffer.alloc(130 * 1024 * 1024), { level: 1 })],
    ['105 MiB of files', 'unpacked_too_large', () => packFiles('demo', bomb)],
    ['110 MiB in packed charts', 'unpacked_too_large', nestedBomb],
    ['a file over 5 MiB', 'file_too_large', () => packFiles('demo', new Map([['f', Buffer.alloc(zeros.length + 1)]]))],
    ['10,001 files', 'too_many_files', () => packFiles('demo', many)],
    ['charts nine deep', 'subcharts_too_deep', () => nested(9)],
    ['a symlink', 'link', () => rawArchive(chartYaml, rawEntry('demo/x', '', '2'))],
    ['a hard link', 'link', () => rawArchive(chartYaml, rawEntry('demo/x', '', '1'))],
    ['a device', 'not_an_archive', () => rawArchive(chartYaml, rawEntry('demo/x', '', '3'))],
    ['a sparse file', 'not_an_archive', () => rawArchive(chartYaml, rawEntry('demo/x', '', 'S'))],
    ['..', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('demo/../../x', 'a'))],
    ['.. in a folder', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('demo/../', '', '5'))],
    ['an absolute path', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('/etc/x', 'a'))],
    ['a drive', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('demo/C:/x', 'a'))],
    ['a backslash', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('demo\\x', 'a'))],
    ['a second root', 'unsafe_path', () => rawArchive(chartYaml, rawEntry('other/x', 'a'))],
    ['a file at the root', 'unsafe_path', () => rawArchive(rawEntry('Chart.yaml', 'a'))],
    [
      'a long name with ..',
      'unsafe_path',
      () => rawArchive(chartYaml, rawEntry('l', 'demo/../x\0', 'L'), rawEntry('x', '')),
    ],
    [
      'a pax path with ..',
      'unsafe_path',
      () => rawArchive(chartYaml, rawEntry('p', '16 path=demo/..\n', 'x'), rawEntry('x', '')),
    ],
    [
      'a pax size',
      'not_an_archive',
      () => rawArchive(chartYaml, rawEntry('p', '9 size=1\n', 'x'), rawEntry('demo/x', '')),
    ],
    ['a file twice', 'duplicate_file', () => rawArchive(chartYaml, chartYaml)],
    ['data behind the end', 'not_an_archive', () => rawArchive(chartYaml, Buffer.alloc(1024), rawEntry('demo/x', 'a'))],
    [
      'a size in binary',
      'not_an_archive',
      () => rawArchive(rawEntry('demo/x', '', '0', (h) => h.writeUInt8(0x80, 124))),
    ],
    ['no Chart.yaml', 'chart_yaml', () => rawArchive(rawEntry('demo/values.yaml', 'a: 1'))],
    ['a Chart.yaml that is no YAML', 'chart_yaml', () => chart('a: [')],
    ['a Chart.yaml with a key twice', 'chart_yaml', () => chart('apiVersion: v2\nname: a\nname: b\nversion: 1.0.0\n')],
    ['an unknown apiVersion', 'chart_yaml', () => chart('apiVersion: v3\nname: demo\nversion: 1.0.0\n')],
    ['a path for a name', 'chart_yaml', () => chart('apiVersion: v2\nname: ../demo\nversion: 1.0.0\n')],
    ['a version that is not semver', 'chart_yaml', () => chart('apiVersion: v2\nname: demo\nversion: "1.2"\n')],
    ['a version that is a number', 'chart_yaml', () => chart('apiVersion: v2\nname: demo\nversion: 1.2\n')],
    ['a NUL in it', 'chart_yaml', () => chart('apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: "\\0"\n')],
    [
      'half a character in it',
      'chart_yaml',
      () => chart('apiVersion: v2\nname: demo\nversion: 1.0.0\ndescription: "\\ud800"\n'),
    ],
    ['a library', 'library_chart', () => chart('apiVersion: v2\nname: demo\nversion: 1.0.0\ntype: library\n')],
    [
      'a missing dependency',
      'dependency_missing',
      () => chart('apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies: [{name: db}]\n'),
    ],
    ['a missing requirement', 'dependency_missing', () => withFile('requirements.yaml', 'dependencies: [{name: db}]')],
    ['values that are a list', 'values_yaml', () => withFile('values.yaml', '- 1')],
    ['an alias bomb', 'values_yaml', () => withFile('values.yaml', aliasBomb)],
    ['a schema that is no JSON', 'values_schema', () => withFile('values.schema.json', '{')],
    [
      'a remote $ref',
      'remote_reference',
      () => withFile('values.schema.json', '{"a":[{"$ref":"file:///etc/passwd"}]}'),
    ],
    ['an escaped remote $ref', 'remote_reference', () => withFile('values.schema.json', '{"\\u0024ref":"x.json"}')],
    ['a remote $dynamicRef', 'remote_reference', () => withFile('values.schema.json', '{"$dynamicRef":"http://x"}')],
    ['a remote $schema', 'remote_reference', () => withFile('values.schema.json', '{"not":{"$schema":"http://x"}}')],
    [
      'a remote $ref in a chart inside',
      'remote_reference',
      () => {
        const inside = packedFixture('two', '1.0.0', { 'values.schema.json': '{"$ref":"http://x"}' })
        return packFiles('demo', chartFixture('demo', '1.0.0').set('charts/two.tgz', inside))
      },
    ],
  ]
  test.each(cases)('%s: %s', async (_, reason, archive) => {
    expect(await reasonOf(archive())).toBe(reason)
  })
})

const aliasBomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`).join('')}`

describe('whatever comes in', () => {
  const plain = Buffer.concat([chartYaml, rawEntry('demo/values.yaml', 'a: 1'), Buffer.alloc(1024)])
  const known = ['chart_invalid']

  test('random changes to an archive are read or refused, never a crash', async () => {
    const change = fc.tuple(fc.nat({ max: plain.length - 1 }), fc.nat({ max: 255 }))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
        const tar = Buffer.from(plain)
        for (const [at, byte] of changes) tar[at] = byte
        const error = await readChart(gzipSync(tar, { level: 1 })).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        if (error !== null) expect(known).toContain((error as Problem).code)
      }),
    )
  })

  test('random entries are read or refused, never a crash', async () => {
    const entry = fc
      .record({
        name: fc.string({ maxLength: 90 }),
        content: fc.string(),
        type: fc.constantFrom('0', '5', 'x', 'L', 'g', '2'),
      })
      .map(({ name, content, type }) => rawEntry(`demo/${name}`, content, type))
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (entries) => {
        const error = await readChart(rawArchive(chartYaml, ...entries)).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        if (error !== null) expect(known).toContain((error as Problem).code)
      }),
    )
  })
})
