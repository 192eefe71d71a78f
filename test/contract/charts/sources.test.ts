import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf, readChart } from '../../../src/charts/archive/read.ts'
import { chartFixture, packedFixture } from '../../../src/charts/archive/testing.ts'
import { findVersion } from '../../../src/charts/sources/find.ts'
import { openSource } from '../../../src/charts/sources/open.ts'
import type { ChartSource, SourceRecord } from '../../../src/charts/types.ts'
import { systemResolve } from '../../../src/infra/net/reach.ts'
import { indexFile, RepositoryServer } from './repository-server.ts'

const clock = { now: () => 0, sleep: () => Promise.resolve() }
const id = '00000000-0000-4000-8000-000000000001'

function open(type: SourceRecord['type'], url: string, folders: readonly string[] = []): ChartSource {
  const record: SourceRecord = {
    id,
    name: 'under-test',
    type,
    url,
    priority: 1,
    credentials: null,
    authHosts: [],
    verify: null,
    createdAt: 0,
  }
  return openSource(record, {
    clock,
    resolve: systemResolve,
    timeoutMs: 5_000,
    folders,
    helm: { verify: () => Promise.resolve('unreadable') },
  })
}

let folder: string
let server: RepositoryServer
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-source-'))
  server = await RepositoryServer.start()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function unpacked(path: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, path, name)), { recursive: true })
    await writeFile(join(folder, path, name), content)
  }
}

/** demo 1.0.0 and 1.1.0-rc.1, demo-two 2.0.0, in one adapter each. */
const adapters: Record<string, () => Promise<ChartSource>> = {
  'a repository over HTTP': async () => {
    const charts = [
      { name: 'demo', version: '1.0.0', url: 'charts/demo-1.0.0.tgz' },
      { name: 'demo', version: '1.1.0-rc.1', url: `${server.url}/base/charts/demo-1.1.0-rc.1.tgz` },
      { name: 'demo-two', version: '2.0.0', url: '/base/charts/demo-two-2.0.0.tgz' },
    ]
    for (const { name, version } of charts) {
      server.files.set(`/base/charts/${name}-${version}.tgz`, packedFixture(name, version))
    }
    server.files.set('/base/index.yaml', indexFile(charts))
    return open('http', `${server.url}/base`)
  },
  'a folder of archives': async () => {
    for (const [name, version] of [
      ['demo', '1.0.0'],
      ['demo', '1.1.0-rc.1'],
      ['demo-two', '2.0.0'],
    ] as const) {
      await writeFile(join(folder, `${name}-${version}.tgz`), packedFixture(name, version))
    }
    return open('folder', folder, [folder])
  },
  'a folder of chart folders': async () => {
    await unpacked('demo/1.0.0', chartFixture('demo', '1.0.0'))
    await unpacked('demo/1.1.0-rc.1', chartFixture('demo', '1.1.0-rc.1'))
    await unpacked('demo-two', chartFixture('demo-two', '2.0.0'))
    await mkdir(join(folder, 'empty'))
    return open('folder', folder, [folder])
  },
}

describe.each(Object.entries(adapters))('%s', (_, prepare) => {
  test('names its charts and their versions', async () => {
    const source = await prepare()
    expect([...((await source.names()) ?? [])].sort()).toEqual(['demo', 'demo-two'])
    const versions = await source.versions('demo')
    expect(versions.map(({ version }) => version).sort()).toEqual(['1.0.0', '1.1.0-rc.1'])
    expect(await source.versions('other')).toEqual([])
  })

  test('hands out a version, each time the same bytes', async () => {
    const source = await prepare()
    for (const [name, version] of [
      ['demo', '1.0.0'],
      ['demo', '1.1.0-rc.1'],
      ['demo-two', '2.0.0'],
    ] as const) {
      const archive = await source.fetch(name, version)
      expect((await readChart(archive)).metadata).toMatchObject({ name, version })
      expect(digestOf(await source.fetch(name, version))).toBe(digestOf(archive))
      expect(archive).toEqual(packedFixture(name, version))
    }
  })

  test('that is gone is "unavailable" by its name, never "not found"', async () => {
    const source = await prepare()
    await rm(folder, { recursive: true })
    await server[Symbol.asyncDispose]()
    const gone = { code: 'unavailable', extra: { source: 'under-test' } }
    await expect(source.versions('demo')).rejects.toMatchObject(gone)
    await expect(source.names()).rejects.toMatchObject(gone)
    await expect(source.fetch('demo', '1.0.0')).rejects.toMatchObject(gone)
    await expect(findVersion([source], 'demo', '1.0.0')).rejects.toMatchObject(gone)
    server = await RepositoryServer.start()
    await mkdir(folder)
  })
})

describe('a folder', () => {
  test('outside of CHART_FOLDERS is not read, by a link neither', async () => {
    await mkdir(join(folder, 'allowed'))
    await unpacked('secret/demo', chartFixture('demo', '1.0.0'))
    await symlink(join(folder, 'secret'), join(folder, 'allowed', 'link'))
    for (const path of ['secret', 'allowed/link', 'allowed/../secret']) {
      const source = open('folder', join(folder, path), [join(folder, 'allowed')])
      await expect(source.names()).rejects.toMatchObject({ code: 'unavailable' })
      await expect(source.fetch('demo', '1.0.0')).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  test('holds links to what lies below CHART_FOLDERS only', async () => {
    await mkdir(join(folder, 'allowed'))
    const links = { 'demo-1.0.0.tgz': 'demo-0.1.0.tgz', 'demo-2.0.0.tgz': '../secret.tgz', 'demo-3.0.0.tgz': 'nothing' }
    for (const [link, to] of Object.entries(links)) await symlink(to, join(folder, 'allowed', link))
    await writeFile(join(folder, 'allowed', 'demo-0.1.0.tgz'), packedFixture('demo', '1.0.0'))
    await writeFile(join(folder, 'secret.tgz'), packedFixture('demo', '2.0.0'))
    await unpacked('outside', chartFixture('demo', '4.0.0'))
    await mkdir(join(folder, 'allowed', 'demo'))
    await symlink('../../outside', join(folder, 'allowed', 'demo', '4.0.0'))
    await symlink('../outside', join(folder, 'allowed', 'outside'))
    const source = open('folder', join(folder, 'allowed'), [join(folder, 'allowed')])
    const known = (await source.versions('demo')).map(({ version }) => version)
    expect([known.includes('4.0.0'), await source.versions('outside')]).toEqual([false, []])
    expect(await readChart(await source.fetch('demo', '1.0.0'))).toMatchObject({ metadata: { version: '1.0.0' } })
    for (const version of ['2.0.0', '3.0.0']) {
      const message = `the chart source under-test cannot be used: demo-${version}.tgz leads to nothing below CHART_FOLDERS`
      await expect(source.fetch('demo', version)).rejects.toThrow(message)
    }
  })

  test('with a pipe, a folder or too much in the place of a file refuses that, and waits for nobody', async () => {
    await unpacked('piped', chartFixture('piped', '1.0.0'))
    for (const pipe of ['demo-1.0.0.tgz', 'piped/.helmignore']) execFileSync('mkfifo', [join(folder, pipe)])
    await mkdir(join(folder, 'all', '1.0.0'), { recursive: true })
    execFileSync('mkfifo', [join(folder, 'all', 'Chart.yaml')])
    await mkdir(join(folder, 'demo-2.0.0.tgz'))
    await writeFile(join(folder, 'demo-3.0.0.tgz'), '')
    await truncate(join(folder, 'demo-3.0.0.tgz'), 2 ** 31)
    const source = open('folder', folder, [folder])
    expect(await source.versions('all')).toEqual([])
    const refused = (reason: string) => ({ code: 'chart_invalid', extra: { reason } })
    await expect(source.fetch('demo', '1.0.0')).rejects.toMatchObject(refused('link'))
    await expect(source.fetch('piped', '1.0.0')).rejects.toMatchObject(refused('link'))
    await expect(source.fetch('demo', '2.0.0')).rejects.toMatchObject(refused('link'))
    await expect(source.fetch('demo', '3.0.0')).rejects.toMatchObject(refused('packed_too_large'))
  })

  test('does not lead out by the name of a chart', async () => {
    await unpacked('demo', chartFixture('demo', '1.0.0'))
    await mkdir(join(folder, 'charts'))
    const source = open('folder', join(folder, 'charts'), [folder])
    expect(await source.versions('../demo')).toEqual([])
  })
})
