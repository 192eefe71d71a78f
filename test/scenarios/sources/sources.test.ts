import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { indexFile, RepositoryServer } from '../../contract/charts/repository-server.ts'
import { RegistryHand } from '../../support/registry/helm.ts'
import { basicOfUser, password, TokenRealm, user } from '../../support/registry/realm.ts'
import { startRegistry, type TestRegistry } from '../../support/registry/registry.ts'
import { ok, problem } from '../support/api.ts'
import { openWorld, type World } from '../support/world.ts'

// Charts from repositories and registries, also from those that fail. One test after another: a source that does not
// answer ends the search of everybody.

type Listed = { readonly name: string; readonly versions: readonly string[]; readonly sources: readonly string[] }

// A source that hangs is waited for, and more than once.
vi.setConfig({ testTimeout: 120_000 })

let world: World
let repository: RepositoryServer
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  repository = await RepositoryServer.start()
})
afterEach(async () => {
  const sources = ok(await world.api.get<readonly { id: string; name: string }[]>('/chart-sources'))
  for (const { id, name } of sources) {
    if (!['samples', 'test-charts'].includes(name)) ok(await world.api.delete(`/chart-sources/${id}`), 204)
  }
  await repository[Symbol.asyncDispose]()
})

const credentials = { username: user, password }
const add = async (source: object) => ok(await world.api.post('/chart-sources', { priority: 1, ...source }), 201)
const addRepository = (more: object = {}, { url } = repository) => add({ name: 'repo', type: 'http', url, ...more })
const listed = () => world.api.get<readonly Listed[]>('/charts')

/** Versions of a chart whose ConfigMap says where it is from. */
function offer(server: RepositoryServer, name: string, versions: readonly string[], greeting = 'hello'): void {
  const entries = versions.map((version) => {
    const archive = packedFixture(name, version, { 'values.yaml': `greeting: ${greeting}\n` })
    server.files.set(`/${name}-${version}.tgz`, archive)
    return { name, version, url: `${name}-${version}.tgz`, digest: digestOf(archive) }
  })
  server.files.set('/index.yaml', indexFile(entries))
}

describe('an OCI registry', () => {
  let folder: string
  let realm: TokenRealm
  let registry: TestRegistry
  let hand: RegistryHand
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-realm-'))
    realm = await TokenRealm.start(folder)
    registry = await startRegistry('token', realm)
    hand = await RegistryHand.open([registry.host])
  })
  afterAll(async () => {
    await hand[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
    await realm[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('gives what helm pushed to it, and outlives it', async () => {
    const push = (version: string) => hand.push(packedFixture('shop', version), `${registry.host}/team/charts`)
    await push('1.0.0')
    const url = `oci://${registry.host}/team/charts`
    await add({ name: 'team', type: 'oci', url, credentials, authHosts: [realm.host] })
    const charts = ok(await listed())
    expect(charts.find(({ name }) => name === 'shop')).toEqual({ name: 'shop', versions: ['1.0.0'], sources: ['team'] })

    const place = world.place()
    const release = await place.installed({ chartName: 'shop' })
    expect(await world.cluster.config(place.namespace, 'app')).toEqual({ greeting: 'hello' })
    await push('1.1.0+build.2')
    expect(ok(await release.upgrade({ chartVersion: '1.1.0+build.2' }))).toMatchObject({
      status: 'DEPLOYED',
      chartVersion: '1.1.0+build.2',
    })
    problem(await release.upgrade({ chartVersion: '1.2.0' }), 404, 'chart_version_not_found')

    await registry[Symbol.asyncDispose]()
    const answer = await listed()
    expect(answer.headers.get('x-unavailable-sources')).toBe('team')
    expect(ok(answer).find(({ name }) => name === 'shop')?.versions).toEqual(['1.1.0+build.2', '1.0.0'])
    ok(await release.rollback(1))
    ok(await world.place().install({ chartName: 'shop' }), 201)
    const { detail } = problem(await release.upgrade({ chartVersion: '1.3.0' }), 503, 'unavailable')
    expect(detail).toBe('the chart source team cannot be used: it refuses connections (ECONNREFUSED)')
    expect(world.flotilla.log.join('\n')).not.toContain('canary')
    registry = await startRegistry('token', realm)
  })
})

describe('a repository', () => {
  test('that asks for a password gets it, and nobody else does', async () => {
    const other = await RepositoryServer.start()
    const archive = packedFixture('private', '1.0.0')
    other.files.set('/private-1.0.0.tgz', archive)
    const index = indexFile([{ name: 'private', version: '1.0.0', url: `${other.url}/private-1.0.0.tgz` }])
    repository.handlers.set('/index.yaml', (request, response) => {
      if (request.headers.authorization === basicOfUser) response.writeHead(200).end(index)
      else response.writeHead(401).end()
    })
    await addRepository()
    const refused = problem(await world.place().install({ chartName: 'private' }), 503, 'unavailable')
    expect(refused.detail).toBe('the chart source repo cannot be used: it answered 401')

    await addRepository({ name: 'known', priority: 0, credentials })
    ok(await world.place().install({ chartName: 'private' }), 201)
    expect(other.seen).toEqual([{ path: '/private-1.0.0.tgz', authorization: undefined, etag: undefined }])
    await other[Symbol.asyncDispose]()
  })

  test('with the lower number goes before another, version by version', async () => {
    const second = await RepositoryServer.start()
    offer(repository, 'twice', ['1.0.0'], 'first')
    offer(second, 'twice', ['1.0.0', '1.1.0'], 'second')
    await addRepository({ name: 'b-second', priority: 2 }, second)
    await addRepository({ name: 'c-first', priority: 1 })
    expect(ok(await listed()).find(({ name }) => name === 'twice')).toEqual({
      name: 'twice',
      versions: ['1.1.0', '1.0.0'],
      sources: ['c-first', 'b-second'],
    })
    const place = world.place()
    const release = await place.installed({ chartName: 'twice' })
    expect(await world.cluster.config(place.namespace, 'app')).toEqual({ greeting: 'first' })
    ok(await release.upgrade({ chartVersion: '1.1.0' }))
    expect(await world.cluster.config(place.namespace, 'app')).toEqual({ greeting: 'second' })
    await second[Symbol.asyncDispose]()
  })

  const failures: readonly (readonly [string, (path: string) => void, number, string])[] = [
    [
      'answers 500',
      (path) => void repository.handlers.set(path, (_request, response) => response.writeHead(500).end('canary')),
      503,
      'the chart source repo cannot be used: it answered 500',
    ],
    [
      'breaks off',
      (path) =>
        void repository.handlers.set(path, (_request, response) => {
          response.writeHead(200, { 'content-length': 10_000 }).write('half of it', () => response.destroy())
        }),
      503,
      'the chart source repo cannot be used: it broke off its answer (UND_ERR_SOCKET)',
    ],
    [
      'hangs',
      (path) => void repository.handlers.set(path, (_request, response) => void response.writeHead(200).write('x')),
      503,
      'the chart source repo cannot be used: it did not answer in time',
    ],
  ]
  test.each(failures)(
    'that %s is told by its name; what is kept of it, and the other sources, go on',
    async (what, fail, status, words) => {
      const name = what.replace(/\W/g, '-')
      offer(repository, name, ['1.0.0', '1.1.0'])
      await addRepository()
      const release = await world.place().installed({ chartName: name })

      fail(`/${name}-1.1.0.tgz`)
      const ofArchive = problem(await release.upgrade({ chartVersion: '1.1.0' }), status, 'unavailable')
      expect([ofArchive.detail, ofArchive.source]).toEqual([words, 'repo'])

      // A source that was just added has no index yet that it could go on with.
      fail('/index.yaml')
      await addRepository({ name: 'second', priority: 2 })
      const answer = await listed()
      expect(answer.headers.get('x-unavailable-sources')).toContain('second')
      const names = ok(answer).map((chart) => chart.name)
      expect(names).toEqual(expect.arrayContaining(['plain', 'workload']))
      ok(await release.upgrade({ valuesOverride: { greeting: 'kept' } }))
      ok(await world.place().install({ chartName: name }), 201)
      expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
    },
  )

  test('that lies about a digest, or has another chart in the place of one, is refused by its name', async () => {
    const demo = packedFixture('lying', '1.0.0')
    repository.files.set('/lying.tgz', demo)
    repository.files.set('/text.tgz', 'no archive')
    const entries = [
      { name: 'lying', version: '1.0.0', url: 'lying.tgz', digest: '0'.repeat(64) },
      { name: 'lying', version: '1.1.0', url: 'lying.tgz', digest: digestOf(demo) },
      { name: 'lying', version: '1.2.0', url: 'text.tgz' },
    ]
    repository.files.set('/index.yaml', indexFile(entries))
    await addRepository()
    const refusals = [
      ['1.0.0', 'digest_mismatch', 'lying 1.0.0 of repo does not have the digest of its index'],
      ['1.1.0', 'other_chart', 'repo has lying 1.0.0 in the place of lying 1.1.0'],
      ['1.2.0', 'not_an_archive', 'lying 1.2.0 of repo: the chart is not a gzip archive'],
    ] as const
    for (const [chartVersion, reason, detail] of refusals) {
      const answer = await world.place().install({ chartName: 'lying', chartVersion })
      expect(problem(answer, 422, 'chart_invalid')).toMatchObject({ reason, detail })
    }
  })
})
