import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadIdentity } from '../../../packages/practice-cluster/src/server/identity.ts'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { httpSource } from '../../../src/charts/sources/http.ts'
import type { ChartSource, SourceCredentials } from '../../../src/charts/types.ts'
import { type Resolve, systemResolve } from '../../../src/infra/net/reach.ts'
import { silentServer } from '../../support/silent-server.ts'
import { indexFile, RepositoryServer } from './repository-server.ts'

const demo = packedFixture('demo', '1.0.0')
const listing = (url: string, digest = digestOf(demo)): string =>
  indexFile([{ name: 'demo', version: '1.0.0', url, digest }])
const password = 'canary-password'
const credentials: SourceCredentials = { kind: 'basic', username: 'reader', password }
const basic = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`

let now = 0
let server: RepositoryServer
let other: RepositoryServer
beforeEach(async () => {
  now = 0
  server = await RepositoryServer.start()
  other = await RepositoryServer.start()
  server.files.set('/demo.tgz', demo)
  server.files.set('/index.yaml', listing('demo.tgz'))
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

type Given = { readonly url?: string; readonly resolve?: Resolve; readonly timeoutMs?: number }

function source({ url = server.url, resolve = systemResolve, timeoutMs = 20_000 }: Given = {}): ChartSource {
  const more = { url, priority: 1, credentials, authHosts: [], verify: null, createdAt: 0 }
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  return httpSource({ id: 'id', name: 'repo', type: 'http', ...more }, { clock, resolve, timeoutMs })
}

const down = (reason: string): string => `the chart source repo cannot be used: ${reason}`

/** The refusal, checked for what must never be in one. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (thrown: unknown) => thrown as Error,
  )
  expect(error).toMatchObject({ code: expect.stringMatching(/unavailable|chart_invalid/) })
  expect(error.message).not.toContain('canary')
  return error.message
}

describe('the index', () => {
  test('is kept for a while, then asked for by its ETag', async () => {
    server.handlers.set('/index.yaml', (request, response) => {
      if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end()
      else response.writeHead(200, { etag: '"one"' }).end(listing('demo.tgz'))
    })
    const repo = source()
    await Promise.all([repo.versions('demo'), repo.versions('demo'), repo.names()])
    now = 9_999
    await repo.versions('demo')
    expect(server.seen.map(({ etag }) => etag)).toEqual([undefined])
    now = 10_000
    expect(await repo.versions('demo')).toHaveLength(1)
    now = 19_999
    await repo.versions('demo')
    expect(server.seen.map(({ etag }) => etag)).toEqual([undefined, '"one"'])
  })

  test('is read as YAML, large too, without entries that are no chart versions', async () => {
    const entry = (v: number) =>
      `  - {version: 1.0.${v}, appVersion: "7", urls: [demo.tgz], digest: "sha256:AB", created: 2024-01-01}\n`
    const versions = [...Array(2_000).keys()].map(entry).join('')
    server.files.set(
      '/index.yaml',
      `apiVersion: v1\nentries:\n  none:\n  demo:\n  - {version: v, urls: [x]}\n  - 7\n${versions}`,
    )
    const repo = source()
    expect(await repo.versions('demo')).toHaveLength(2_000)
    expect((await repo.versions('demo'))[0]).toMatchObject({ version: '1.0.0', appVersion: '7', digest: 'ab' })
    expect(await repo.names()).toEqual(['none', 'demo'])
  })

  test.each([
    ['not found', 404, '', 'it answered 404'],
    ['not allowed', 401, '', 'it answered 401'],
    ['broken', 500, 'canary', 'it answered 500'],
    ['unchanged since never', 304, '', 'it answered 304'],
    ['not YAML', 200, 'canary: [', 'its index.yaml cannot be read'],
    ['not an index', 200, 'hello: canary', 'its index.yaml cannot be read'],
    ['large and not YAML', 200, `canary: [${' '.repeat(100_000)}`, 'its index.yaml cannot be read'],
  ])('that is %s makes the source unavailable', async (_, status, body, reason) => {
    server.handlers.set('/index.yaml', (_request, response) => response.writeHead(status).end(body))
    expect(await refusal(source().versions('demo'))).toBe(down(reason))
  })

  test('that breaks off makes the source unavailable', async () => {
    server.handlers.set('/index.yaml', (_request, response) => {
      response.writeHead(200, { 'content-length': 1_000 }).write('apiVersion', () => response.destroy())
    })
    expect(await refusal(source().versions('demo'))).toBe(down('it broke off its answer (UND_ERR_SOCKET)'))
  })

  test('that never begins, at a host that never resolves either, ends with the time limit', async () => {
    server.handlers.set('/index.yaml', () => {})
    expect(await refusal(source({ timeoutMs: 200 }).versions('demo'))).toBe(down('it did not answer in time'))
    const resolve = () => new Promise<never>(() => {})
    const nowhere = source({ url: 'http://charts.test', resolve, timeoutMs: 200 })
    expect(await refusal(nowhere.versions('demo'))).toBe(down('it did not answer in time'))
  })

  test('whose connection is never made ends with the time limit', async () => {
    const silent = await silentServer()
    const url = `https://127.0.0.1:${silent.port}`
    expect(await refusal(source({ url, timeoutMs: 200 }).versions('demo'))).toBe(down('it did not answer in time'))
    await silent.close()
  })

  test('of a server that is not there, or a host that is not known', async () => {
    expect(await refusal(source({ url: 'http://127.0.0.1:9' }).names())).toBe(
      down('it refuses connections (ECONNREFUSED)'),
    )
    const resolve = () => Promise.reject(Object.assign(new Error('canary'), { code: 'ENOTFOUND' }))
    expect(await refusal(source({ url: 'http://charts.test', resolve }).names())).toBe(
      down('its host is not known (ENOTFOUND)'),
    )
  })

  test('of a server whose certificate nobody can check', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-tls-'))
    const { key, certificate } = await loadIdentity(folder, new Date())
    await rm(folder, { recursive: true })
    const tls = createServer({ key, cert: certificate }, (_request, response) => response.end(listing('demo.tgz')))
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`
    expect(await refusal(source({ url }).names())).toMatch(/its certificate is not one that can be trusted \(\w+\)$/)
    await new Promise((resolve) => tls.close(resolve))
  })

  test('may have at most 32 MiB, and no more of it is read', async () => {
    let sent = 0
    server.handlers.set('/index.yaml', (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, ' ')
      const more = (): void => {
        if (response.destroyed) return
        sent += 1
        response.write(chunk, () => setImmediate(more))
      }
      more()
    })
    expect(await refusal(source().versions('demo'))).toContain('larger than')
    expect(sent).toBeLessThan(100)
  })

  test('that never ends, ends with the time limit', async () => {
    server.handlers.set('/index.yaml', (_request, response) => void response.writeHead(200).write(' '))
    expect(await refusal(source({ timeoutMs: 200 }).versions('demo'))).toBe(down('it did not answer in time'))
  })
})

describe('an archive', () => {
  test('must have the digest of the index', async () => {
    server.files.set('/index.yaml', listing('demo.tgz', '0'.repeat(64)))
    await expect(source().fetch('demo', '1.0.0')).rejects.toMatchObject({ extra: { reason: 'digest_mismatch' } })
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(
      'demo 1.0.0 of repo does not have the digest of its index',
    )
  })

  test.each(['', 'sha256:'])('of which the index says nothing (%j) is taken as it is', async (digest) => {
    server.files.set('/index.yaml', listing('demo.tgz', digest))
    expect(await source().offer('demo', '1.0.0')).toMatchObject({ digest: null })
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
  })

  test('that is cut short, also without a word of its length, is refused', async () => {
    server.handlers.set('/demo.tgz', (_request, response) => response.writeHead(200).end(demo.subarray(0, 100)))
    expect(await refusal(source().fetch('demo', '1.0.0'))).toContain('does not have the digest')
    server.handlers.set('/demo.tgz', (_request, response) => {
      response.writeHead(200).write(demo.subarray(0, 100), () => response.destroy())
    })
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(down('it broke off its answer (UND_ERR_SOCKET)'))
  })

  test('of more bytes than a chart may have is not read to its end', async () => {
    server.files.set('/demo.tgz', Buffer.alloc(10 * 1024 * 1024 + 1))
    await expect(source().fetch('demo', '1.0.0')).rejects.toMatchObject({
      ...{ code: 'chart_invalid', message: 'demo 1.0.0 of repo: a packaged chart may have at most 10 MiB' },
      extra: { reason: 'packed_too_large' },
    })
  })

  test('is not meant by an error of many bytes: the source is down', async () => {
    const page = Buffer.alloc(10 * 1024 * 1024 + 1)
    server.handlers.set('/demo.tgz', (_request, response) => response.writeHead(500).end(page))
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(down('its answer is larger than 10485760 bytes'))
  })

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/x.tgz', 'oci://127.0.0.1/x'])(
    'is not taken from %s',
    async (url) => {
      server.files.set('/index.yaml', listing(url))
      expect(await refusal(source().fetch('demo', '1.0.0'))).toContain('http')
    },
  )
})

describe('the credentials', () => {
  test('go to the own scheme, host and port', async () => {
    await source().fetch('demo', '1.0.0')
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([basic, basic])
  })

  test('do not go to another port that the index names', async () => {
    other.files.set('/demo.tgz', demo)
    server.files.set('/index.yaml', listing(`${other.url}/demo.tgz`))
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
    expect(other.seen).toEqual([{ path: '/demo.tgz', authorization: undefined, etag: undefined }])
  })

  test('do not follow a redirect', async () => {
    other.files.set('/demo.tgz', demo)
    server.handlers.set('/demo.tgz', (_request, response) =>
      response.writeHead(302, { location: `${other.url}/demo.tgz` }).end(),
    )
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
    expect(other.seen).toMatchObject([{ authorization: undefined }])
  })

  test('a redirect without end is refused', async () => {
    server.handlers.set('/demo.tgz', (_request, response) => response.writeHead(302, { location: '/demo.tgz' }).end())
    expect(await refusal(source().fetch('demo', '1.0.0'))).toContain('redirects too often')
  })
})

describe('where an index may send us', () => {
  const repository = 'http://charts.test:1'
  const names =
    (table: Record<string, string>): Resolve =>
    async (host) => [{ address: table[host] ?? '', family: 4 }]

  test.each(['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '[fd00:ec2::254]'])(
    'never to %s',
    async (host) => {
      server.files.set('/index.yaml', listing(`http://${host}/latest/meta-data`))
      expect(await refusal(source().fetch('demo', '1.0.0'))).toContain('not allowed')
    },
  )

  test('not even the repository itself may be a link-local address', async () => {
    expect(
      await refusal(source({ url: repository, resolve: names({ 'charts.test': '169.254.169.254' }) }).names()),
    ).toContain('not allowed')
  })

  test('from a private repository to another private host, from a public one not', async () => {
    const port = new URL(other.url).port
    other.files.set('/demo.tgz', demo)
    server.files.set('/index.yaml', listing(`http://inside.test:${port}/demo.tgz`))
    const table: Record<string, string> = { 'charts.test': '127.0.0.1', 'inside.test': '127.0.0.1' }
    const repo = source({ url: server.url.replace('127.0.0.1', 'charts.test'), resolve: names(table) })
    expect(await repo.fetch('demo', '1.0.0')).toEqual(demo)
    expect(other.seen).toHaveLength(1)
    table['charts.test'] = '203.0.113.7'
    expect(await refusal(repo.fetch('demo', '1.0.0'))).toContain('not allowed')
    expect(other.seen).toHaveLength(1)
  })
})
