import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../../src/charts/archive/read.ts'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { mediaTypes } from '../../../src/charts/sources/oci/manifest.ts'
import { ociSource } from '../../../src/charts/sources/oci/source.ts'
import type { ChartSource, SourceRecord } from '../../../src/charts/types.ts'
import { type Resolve, systemResolve } from '../../../src/infra/net/reach.ts'
import { RepositoryServer } from './repository-server.ts'

// Registries that lie, hang, or send us elsewhere: what `oci-registry.test.ts` asks of good ones.

const demo = packedFixture('demo', '1.0.0')
const blob = `/v2/charts/demo/blobs/sha256:${digestOf(demo)}`
const manifestPath = '/v2/charts/demo/manifests/1.0.0'
const listPath = '/v2/charts/demo/tags/list?n=1000'
const catalogPath = '/v2/_catalog?n=1000'
const password = 'canary-password'
const credentials = { kind: 'basic', username: 'reader', password } as const
const basic = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`

const layer = (more: object = {}) => ({
  mediaType: mediaTypes.content[0],
  digest: `sha256:${digestOf(demo)}`,
  size: demo.length,
  ...more,
})
const manifest = (more: object = {}): string =>
  JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: mediaTypes.config, digest: `sha256:${'0'.repeat(64)}`, size: 2 },
    layers: [layer()],
    ...more,
  })

let server: RepositoryServer
let other: RepositoryServer
beforeEach(async () => {
  server = await RepositoryServer.start()
  other = await RepositoryServer.start()
  server.files.set(listPath, JSON.stringify({ name: 'charts/demo', tags: ['1.0.0'] }))
  server.files.set(manifestPath, manifest())
  server.files.set(blob, demo)
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

type Given = Partial<SourceRecord> & { readonly resolve?: Resolve; readonly timeoutMs?: number }

function source({ resolve = systemResolve, timeoutMs = 20_000, ...more }: Given = {}): ChartSource {
  const url = `${server.url}/charts`
  const named = { id: 'id', name: 'team', type: 'oci', url, priority: 1, createdAt: 0 } as const
  const clock = { now: () => 0, sleep: () => Promise.resolve() }
  return ociSource({ ...named, credentials, authHosts: [], verify: null, ...more }, { clock, resolve, timeoutMs })
}

/** The words of a refusal, checked for what must never be in one. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (thrown: unknown) => thrown as Error,
  )
  expect(error).toMatchObject({ code: expect.stringMatching(/unavailable|chart_invalid/) })
  expect(error.message).toContain('team')
  expect(JSON.stringify([error.message, error])).not.toContain('canary')
  return error.message
}
const down = (reason: string): string => `the chart source team cannot be used: ${reason}`
const unavailable = { code: 'unavailable', extra: { source: 'team' } }

const answering = (path: string, status: number, body: string, headers: Record<string, string> = {}): void => {
  server.handlers.set(path, (_request, response) => response.writeHead(status, headers).end(body))
}
const challenging = (path: string, challenge: string, token: string): void => {
  server.handlers.set(path, (request, response) => {
    if (request.headers.authorization === token) response.writeHead(200).end(manifest())
    else response.writeHead(401, { 'www-authenticate': challenge }).end('canary-in-a-body')
  })
}

describe('a registry that does not answer well is unavailable, for its reason', () => {
  const bodies: readonly (readonly [string, number, string, string])[] = [
    ['broken', 500, 'canary', 'it answered 500'],
    ['no registry', 404, '<html>canary</html>', 'it answered 404 and not as a registry does'],
    ['one that refuses', 403, 'canary', 'it answered 403: its credentials do not allow this'],
    ['one without a challenge', 401, 'canary', 'it answered 401: credentials are missing, or not the right ones'],
  ]
  test.each(bodies)('%s', async (_, status, body, reason) => {
    for (const path of [listPath, manifestPath, blob]) answering(path, status, body)
    expect(await refusal(source().versions('demo'))).toBe(down(reason))
    expect(await refusal(source().offer('demo', '1.0.0'))).toBe(down(reason))
    server.handlers.delete(manifestPath)
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(down(reason))
  })

  test('one that hangs, wherever it does', async () => {
    for (const path of [listPath, manifestPath, blob]) {
      server.handlers.set(path, (_request, response) => void response.writeHead(200).write('{'))
      const ask = path === listPath ? source({ timeoutMs: 300 }).versions('demo') : fetched(300)
      expect(await refusal(ask)).toBe(down('it did not answer in time'))
      server.handlers.delete(path)
    }
    server.handlers.set(manifestPath, () => {})
    expect(await refusal(fetched(300))).toBe(down('it did not answer in time'))
  })
  const fetched = (timeoutMs: number) => source({ timeoutMs }).fetch('demo', '1.0.0')

  test('one whose name never resolves', async () => {
    const never = source({ resolve: () => new Promise(() => {}), url: 'oci://registry.test/charts', timeoutMs: 100 })
    expect(await refusal(never.versions('demo'))).toBe(down('it did not answer in time'))
  })

  test('one that breaks off', async () => {
    server.handlers.set(blob, (_request, response) => {
      response.writeHead(200, { 'content-length': demo.length }).write(demo.subarray(0, 10), () => response.destroy())
    })
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(down('it broke off its answer (UND_ERR_SOCKET)'))
  })

  test('one that is not there', async () => {
    const gone = source()
    await server[Symbol.asyncDispose]()
    await expect(gone.versions('demo')).rejects.toMatchObject(unavailable)
    expect(await refusal(gone.offer('demo', '1.0.0'))).toBe(down('it refuses connections (ECONNREFUSED)'))
    server = await RepositoryServer.start()
  })

  test('one whose list is none', async () => {
    answering(listPath, 200, 'canary')
    expect(await refusal(source().versions('demo'))).toBe(down('its list cannot be read'))
  })
})

describe('an archive is what its digest says', () => {
  const other = packedFixture('demo', '1.0.0', { 'README.md': 'canary' })

  test('or it is refused', async () => {
    server.files.set(blob, Buffer.concat([demo.subarray(0, -1), Buffer.from('x')]))
    const words = 'the archive of demo 1.0.0 of team does not have its digest'
    await expect(source().fetch('demo', '1.0.0')).rejects.toMatchObject({ extra: { reason: 'digest_mismatch' } })
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(words)
    server.files.set(blob, demo.subarray(0, -1))
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(words)
    server.files.set(manifestPath, manifest({ layers: [layer({ size: demo.length + 1 })] }))
    server.files.set(blob, demo)
    expect(await refusal(source().fetch('demo', '1.0.0'))).toBe(words)
  })

  test('of no more bytes than its manifest says, and than a chart may have', async () => {
    server.files.set(blob, Buffer.concat([demo, other]))
    await expect(source().fetch('demo', '1.0.0')).rejects.toMatchObject({
      ...{ code: 'chart_invalid', message: 'demo 1.0.0 of team: its archive is larger than its manifest says' },
      extra: { reason: 'digest_mismatch' },
    })
    server.files.set(manifestPath, manifest({ layers: [layer({ size: 10 * 1024 * 1024 + 1 })] }))
    await expect(source().fetch('demo', '1.0.0')).rejects.toMatchObject({ extra: { reason: 'packed_too_large' } })
  })

  test('and so is a manifest', async () => {
    answering(manifestPath, 200, manifest(), { 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
    expect(await refusal(source().offer('demo', '1.0.0'))).toBe(
      'the manifest of demo 1.0.0 of team does not have its digest',
    )
  })

  const strange: readonly (readonly [string, string])[] = [
    ['an image', manifest({ config: { mediaType: 'application/vnd.oci.image.config.v1+json', canary: 1 } })],
    ['an index', JSON.stringify({ schemaVersion: 2, manifests: [] })],
    ['no layer', manifest({ layers: [] })],
    ['two charts', manifest({ layers: [layer(), layer()] })],
    ['a digest that is a path', manifest({ layers: [layer({ digest: 'sha256:../../canary' })] })],
    ['no JSON', 'canary'],
  ]
  test.each(strange)('%s is no chart', async (_, body) => {
    server.files.set(manifestPath, body)
    await expect(source().offer('demo', '1.0.0')).rejects.toMatchObject({ extra: { reason: 'not_a_chart' } })
    expect(await refusal(source().fetch('demo', '1.0.0'))).toContain('demo 1.0.0 of team: ')
  })

  test('with a signature beside it, and as helm wrote it once', async () => {
    const signed = { mediaType: 'application/vnd.cncf.helm.chart.provenance.v1.prov' }
    server.files.set(manifestPath, manifest({ layers: [signed, layer({ mediaType: 'application/tar+gzip' })] }))
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
  })
})

describe('the lists', () => {
  test('leave out tags that are no versions', async () => {
    const tags = ['1.0.0', 'latest', 'sha256-0a.sig', '1.0', 'v1.2.0', '1.1.0_b.1']
    server.files.set(listPath, JSON.stringify({ tags }))
    expect((await source().versions('demo')).map(({ version }) => version)).toEqual(['1.0.0', 'v1.2.0', '1.1.0+b.1'])
  })

  test.each(['/v2/other/tags/list?n=1', '/v2/charts/demo/blobs/x'])('go on nowhere else: %s', async (path) => {
    for (const link of [path, `http://127.0.0.1:${new URL(other.url).port}${listPath}`]) {
      answering(listPath, 200, '{"tags":["1.0.0"]}', { link: `<${link}>; rel="next"` })
      expect(await refusal(source().versions('demo'))).toBe(down('the next page of its list is elsewhere'))
    }
    expect(other.seen).toEqual([])
  })

  test('have an end', async () => {
    answering(listPath, 200, '{"tags":["1.0.0"]}', { link: `<${listPath}>; rel="next"` })
    expect(await refusal(source().versions('demo'))).toBe(down('its lists are longer than 50 pages'))
    expect(server.seen).toHaveLength(50)
  })

  test('have 50,000 names at most', async () => {
    const tags = Array.from({ length: 50_001 }, (_, at) => `1.0.${at}`)
    server.files.set(listPath, JSON.stringify({ tags: tags.slice(1) }))
    expect(await source().versions('demo')).toHaveLength(50_000)
    server.files.set(listPath, JSON.stringify({ tags }))
    expect(await refusal(source().versions('demo'))).toBe(down('its lists have more than 50000 names'))
  })

  test('are asked for once in a while', async () => {
    const team = source()
    await Promise.all([team.versions('demo'), team.versions('demo')])
    await team.versions('demo')
    expect(server.seen).toHaveLength(1)
  })

  test.each([
    ['none', 404, '{"errors":[{"code":"UNSUPPORTED"}]}', {}],
    ['none, in words of its own', 404, '404 page not found', { 'docker-distribution-api-version': 'registry/2.0' }],
    ['none for us', 403, '', {}],
    ['none for the token that it gave', 401, '', { 'www-authenticate': 'Bearer realm="REALM"' }],
  ])('of all charts may be %s: what it has is not known', async (_, status, body, headers: Record<string, string>) => {
    const told = Object.entries(headers).map(([key, text]) => [key, text.replace('REALM', `${server.url}/token`)])
    answering(catalogPath, status, body, Object.fromEntries(told))
    server.files.set('/token?scope=registry%3Acatalog%3A*', '{"token":"abc"}')
    expect(await source().names()).toBeNull()
  })

  test.each([
    ['somebody who is not known', 401, { 'www-authenticate': 'Basic realm="x"' }],
    ['what is no registry', 404, {}],
    ['what is broken', 502, {}],
  ])('of all charts is a failure for %s', async (_, status, headers: Record<string, string>) => {
    answering(catalogPath, status, 'canary', headers)
    expect(await refusal(source().names())).toContain(`it answered ${status}`)
  })
})

describe('the credentials', () => {
  const token = 'canary-token'

  test('go to the registry when it asks for them, from then on at once', async () => {
    challenging(manifestPath, 'Basic realm="x"', basic)
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic])
  })

  test('do not follow a redirect, and neither does a token', async () => {
    other.files.set('/elsewhere', demo)
    const realm = `${server.url}/token`
    server.files.set(
      '/token?service=s&scope=repository%3Acharts%2Fdemo%3Apull',
      JSON.stringify({ access_token: token }),
    )
    challenging(manifestPath, `Bearer realm="${realm}",service="s"`, `Bearer ${token}`)
    answering(blob, 307, '', { location: `${other.url}/elsewhere` })
    expect(await source().fetch('demo', '1.0.0')).toEqual(demo)
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([
      undefined,
      basic,
      `Bearer ${token}`,
      `Bearer ${token}`,
    ])
    expect(other.seen).toMatchObject([{ authorization: undefined }])
  })

  test('that are a token are sent as they are, and to no realm', async () => {
    challenging(manifestPath, `Bearer realm="${other.url}/token"`, `Bearer ${token}`)
    const own = source({ credentials: { kind: 'bearer', token }, authHosts: [new URL(other.url).host] })
    expect(await own.fetch('demo', '1.0.0')).toEqual(demo)
    const wrong = source({ credentials: { kind: 'bearer', token: 'wrong' }, authHosts: [new URL(other.url).host] })
    expect(await refusal(wrong.offer('demo', '1.0.0'))).toContain('it answered 401')
    expect(other.seen).toEqual([])
  })

  test('do not follow the redirect of a realm', async () => {
    challenging(manifestPath, `Bearer realm="${server.url}/token"`, 'none')
    answering('/token?scope=repository%3Acharts%2Fdemo%3Apull', 302, '', { location: `${other.url}/token` })
    expect(await refusal(source().offer('demo', '1.0.0'))).toBe(down('its token realm answered 302'))
    expect(other.seen).toEqual([])
  })

  test.each([
    ['another host', 'http://auth.test/token', 'its token realm auth.test is not in authHosts'],
    ['another port', 'http://127.0.0.1:1/token', 'its token realm 127.0.0.1:1 is not in authHosts'],
    ['metadata', 'http://169.254.169.254/latest', 'its token realm 169.254.169.254 is not in authHosts'],
    ['a file', 'file:///etc/passwd', 'its token realm is not https'],
  ])('are not taken to a realm that nobody named: %s', async (_, realm, reason) => {
    challenging(manifestPath, `Bearer realm="${realm}"`, 'none')
    expect(await refusal(source().offer('demo', '1.0.0'))).toBe(down(reason))
  })

  test('are not taken to a link-local address, whoever named it', async () => {
    challenging(manifestPath, 'Bearer realm="http://169.254.169.254/token"', 'none')
    const named = source({ authHosts: ['169.254.169.254'] })
    expect(await refusal(named.offer('demo', '1.0.0'))).toBe(down('the address of 169.254.169.254 is not allowed here'))
  })

  test.each(['{}', 'canary', '{"token":""}', '{"token":"a\\nb"}'])('no token is none: %s', async (body) => {
    challenging(manifestPath, `Bearer realm="${server.url}/token"`, 'none')
    server.files.set('/token?scope=repository%3Acharts%2Fdemo%3Apull', body)
    expect(await refusal(source().offer('demo', '1.0.0'))).toBe(down('its token realm gave no token'))
  })
})

test('a registry that is public sends us to no private address', async () => {
  answering(blob, 302, '', { location: `http://inside.test:${new URL(other.url).port}/elsewhere` })
  other.files.set('/elsewhere', demo)
  const table: Record<string, string> = { 'registry.test': '127.0.0.1', 'inside.test': '127.0.0.1' }
  const resolve: Resolve = async (host) => [{ address: table[host] ?? '', family: 4 }]
  const url = `http://registry.test:${new URL(server.url).port}/charts`
  expect(await source({ url, resolve }).fetch('demo', '1.0.0')).toEqual(demo)
  // Its own address is private still; what counts is where its name leads when the redirect comes.
  server.handlers.set(blob, (_request, response) => {
    table['registry.test'] = '203.0.113.7'
    response.writeHead(302, { location: `http://inside.test:${new URL(other.url).port}/elsewhere` }).end()
  })
  expect(await refusal(source({ url, resolve }).fetch('demo', '1.0.0'))).toBe(
    down('the address of inside.test is not allowed here'),
  )
  expect(other.seen).toHaveLength(1)
})
