import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../../log.ts'
import type { BeforeDelete, ExpectedRecords, GrantedObject, Kept } from '../types.ts'
import { Gateway, type OpenAttempt } from './gateway.ts'
import { encodeSecret, record } from './testing/secrets.ts'
import { recordList, type Seen, startUpstream, type Upstream } from './testing/upstream.ts'

type Reply = { readonly status: number; readonly body: string }

let seen: Seen[]
let handle: (request: Seen, response: ServerResponse) => void
let upstream: Upstream
let gateway: Gateway
let logged: object[]
let lease: AbortController
let leftMs: number
let rejections: number
let open: OpenAttempt
let beforeDelete: BeforeDelete

const clock = { now: () => Date.now(), sleep: async () => {} }
const pods = '/api/v1/namespaces/ns/pods'

beforeEach(async () => {
  handle = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  upstream = await startUpstream((...given) => handle(...given))
  seen = upstream.seen
  logged = []
  gateway = await Gateway.open({ clock, log: { ...silentLog, warn: (fields) => void logged.push(fields) } })
  lease = new AbortController()
  leftMs = 1000
  rejections = 0
  beforeDelete = async () => {}
  open = admit()
})

afterEach(async () => {
  await gateway.close()
  await upstream.close()
})

function admit(
  granted: readonly GrantedObject[] = [],
  keeps: readonly Kept[] = [],
  records?: ExpectedRecords,
): OpenAttempt {
  const headers = async () => ({ authorization: 'Bearer cluster', 'impersonate-user': 'flotilla:tenant:1' })
  const { server, dispatcher } = upstream
  const cluster = { server, dispatcher, headers, rejected: () => void rejections++ }
  const room = { namespace: 'ns', release: 'web', granted }
  const beyond = { ...cluster, headers: async () => ({ authorization: 'Bearer own' }) }
  const lent = { signal: lease.signal, remainingMs: () => leftMs }
  const more = {
    beforeDelete: (...seen: Parameters<BeforeDelete>) => beforeDelete(...seen),
    ...(records === undefined ? {} : { records }),
  }
  return gateway.admit({ cluster, beyond, room, keeps, lease: lent, ...more })
}

function send(method: string, path: string, more: { body?: Buffer | string; headers?: object; auth?: string } = {}) {
  const { attempt } = open
  const auth = more.auth ?? `${attempt.id}:${attempt.secret}`
  const length = more.body === undefined ? {} : { 'content-length': Buffer.byteLength(more.body) }
  const headers = { 'content-type': 'application/json', ...length, ...more.headers }
  return request({ host: '127.0.0.1', port: gateway.port, method, path, auth, headers }).end(more.body)
}

async function ask(...given: Parameters<typeof send>): Promise<Reply> {
  const [response] = (await once(send(...given), 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
}

const answerWith = (status: number) => {
  handle = (_request, response) => void response.writeHead(status).end('{}')
}

describe('who may speak', () => {
  test.each(['', 'nobody:x', ':', 'x'])('not "%s"', async (auth) => {
    expect((await ask('GET', pods, { auth })).status).toBe(401)
    expect((await ask('GET', pods, { auth: `${open.attempt.id}:${auth}` })).status).toBe(401)
    expect(seen).toEqual([])
  })

  test('not with the secret of another attempt, and not after its end', async () => {
    const other = admit()
    expect((await ask('GET', pods, { auth: `${open.attempt.id}:${other.attempt.secret}` })).status).toBe(401)
    open.close()
    expect((await ask('GET', pods)).status).toBe(401)
    expect(seen).toEqual([])
  })
})

describe('what goes through', () => {
  test('the credentials of the cluster, and of helm three headers only', async () => {
    const headers = { accept: 'a/b', 'user-agent': 'Helm', 'impersonate-user': 'admin', 'x-other': '1', cookie: 'c' }
    await ask('PATCH', `${pods}/p?force=false`, { body: '{"a":1}', headers })
    const [first] = seen
    expect(first).toMatchObject({ method: 'PATCH', url: `${pods}/p?force=false`, body: '{"a":1}' })
    const { host, connection, 'content-length': length, ...rest } = first?.headers ?? {}
    expect([typeof host, typeof connection, length]).toEqual(['string', 'string', '7'])
    expect(rest).toEqual({
      authorization: 'Bearer cluster',
      'impersonate-user': 'flotilla:tenant:1',
      accept: 'a/b',
      'user-agent': 'Helm',
      'content-type': 'application/json',
    })
  })

  test('a refusal of the credentials is told to who holds them', async () => {
    answerWith(401)
    expect((await ask('GET', pods)).status).toBe(401)
    expect(rejections).toBe(1)
  })

  test('an answer as it is, but no redirect', async () => {
    handle = (_request, response) => void response.writeHead(307, { location: 'http://elsewhere/' }).end('moved')
    const [response] = (await once(send('GET', pods), 'response')) as [IncomingMessage]
    response.resume()
    expect([response.statusCode, response.headers.location]).toEqual([307, undefined])
  })

  test('a watch, event by event; and it ends upstream when helm goes', async () => {
    let ended: Promise<unknown> = Promise.resolve()
    handle = (_request, response) => {
      ended = once(response, 'close')
      response.writeHead(200).write('first\n')
    }
    const watch = send('GET', `${pods}?watch=true`)
    const [response] = (await once(watch, 'response')) as [IncomingMessage]
    expect(String(await once(response, 'data'))).toBe('first\n')
    watch.destroy()
    await ended
  })

  test('discovery once for all attempts, and again for one that asks again', async () => {
    await Promise.all([ask('GET', '/apis'), ask('GET', '/apis?timeout=32s')])
    open = admit()
    await ask('GET', '/apis')
    expect(seen.map(({ url }) => url).sort()).toEqual(['/apis', '/apis?timeout=32s'])
  })
})

describe('a Service whose traffic is kept', () => {
  const services = '/api/v1/namespaces/ns/services'
  const applied = (selector: object | null) =>
    JSON.stringify({ kind: 'Service', spec: { ports: [{ port: 80 }], ...(selector === null ? {} : { selector }) } })
  const sent = async (path: string, body: string) => {
    await ask('PATCH', path, { body, headers: { 'content-type': 'application/apply-patch+yaml' } })
    return seen.at(-1)?.body
  }
  beforeEach(() => {
    open = admit([], [{ service: 'web', labels: { side: 'old' } }])
  })

  test('selects by what helm applies and by what is kept', async () => {
    expect(await sent(`${services}/web`, applied({ app: 'b', side: 'x' }))).toBe(applied({ app: 'b', side: 'old' }))
  })

  test.each([
    ['another Service', `${services}/other`, applied({ app: 'b' })],
    ['another kind', '/apis/x.io/v1/namespaces/ns/services/web', applied({ app: 'b' })],
    ['a Service without a selector', `${services}/web`, applied(null)],
    ['what is no object', `${services}/web`, 'spec: {}'],
  ])('%s goes out as it is', async (_, path, body) => expect(await sent(path, body)).toBe(body))
})

describe('what does not', () => {
  test('a request outside the wall: nothing goes out, and it is remembered', async () => {
    const reply = await ask('PATCH', '/api/v1/namespaces/other/configmaps/a', { body: '{}' })
    expect([reply.status, JSON.parse(reply.body).reason]).toEqual([403, 'Forbidden'])
    expect(seen).toEqual([])
    expect(open.attempt.refusals()).toMatchObject([
      { method: 'PATCH', reason: 'outside_namespace', object: { name: 'a' } },
    ])
    expect(open.attempt.changed()).toBe(false)
  })

  test('a change of protocol', async () => {
    const { attempt } = open
    const auth = Buffer.from(`${attempt.id}:${attempt.secret}`).toString('base64')
    const socket = connect(gateway.port, '127.0.0.1')
    socket.end(
      `GET ${pods}?watch=true HTTP/1.1\r\nhost: x\r\nauthorization: Basic ${auth}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    )
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 403 /)
    expect(seen).toEqual([])
  })

  test('a forged record', async () => {
    const body = encodeSecret(record('other', 7))
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
    expect((await ask('POST', '/api/v1/namespaces/ns/secrets', { body, headers })).status).toBe(403)
    expect(seen).toEqual([])
  })

  test('a body beyond what an API server takes', async () => {
    expect((await ask('POST', pods, { body: Buffer.alloc((4 << 20) + 1) })).status).toBe(403)
    expect(seen).toEqual([])
  })
})

describe('what is granted', () => {
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const object = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', namespace: null, name: 'a.b' }
  const create = (metadata: unknown) => ask('POST', crds, { body: JSON.stringify({ metadata }) })

  test('goes out with the rights of Flotilla itself, all else with those of the tenant', async () => {
    open = admit([{ ...object, only: null }])
    await ask('PATCH', `${crds}/a.b`, { body: '{}' })
    await create({ name: 'a.b' })
    await ask('PATCH', `${pods}/p`, { body: '{}' })
    const rights = seen.map(({ headers }) => [headers.authorization, headers['impersonate-user']])
    const own = ['Bearer own', undefined]
    expect(rights).toEqual([own, own, ['Bearer cluster', 'flotilla:tenant:1']])
  })

  test.each([{ name: 'a.c' }, { generateName: 'a.b' }, {}, { name: 'a.b', namespace: 'ns' }, 'a.b', null])(
    'is named in the body of a create, not %j',
    async (metadata) => {
      open = admit([{ ...object, only: null }])
      expect((await create(metadata)).status).toBe(403)
      expect(seen).toEqual([])
    },
  )

  test('for removal only is not made anew', async () => {
    open = admit([{ ...object, only: 'removal' }])
    expect((await create({ name: 'a.b' })).status).toBe(403)
    expect((await ask('PATCH', `${crds}/a.b`, { body: '{}' })).status).toBe(403)
    expect((await ask('DELETE', `${crds}/a.b`)).status).toBe(200)
  })
})

describe('the lease', () => {
  const writes = [
    ['POST', pods],
    ['PATCH', `${pods}/p`],
    ['DELETE', `${pods}/p`],
  ] as const

  test.each(writes)('%s needs time left', async (method, path) => {
    leftMs = 0
    expect((await ask(method, path, { body: '{}' })).status).toBe(403)
    expect(seen).toEqual([])
    expect(open.attempt.wasRefused('no_lease')).toBe(true)
    expect((await ask('GET', path)).status).toBe(200)
  })

  test.each(writes)('%s is refused once it is lost', async (method, path) => {
    lease.abort()
    expect((await ask(method, path, { body: '{}' })).status).toBe(403)
    expect(seen).toEqual([])
    expect(open.attempt.changed()).toBe(false)
  })

  test('is looked at when the body is there, not when it began', async () => {
    const { attempt } = open
    const auth = `${attempt.id}:${attempt.secret}`
    const slow = request({ host: '127.0.0.1', port: gateway.port, method: 'POST', path: pods, auth })
    slow.write('{"a":')
    await ask('GET', pods)
    lease.abort()
    slow.end('1}')
    const [response] = (await once(slow, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(403)
    expect(seen.map(({ method }) => method)).toEqual(['GET'])
  })

  test('lost while a write is under way: broken off, and its outcome uncertain', async () => {
    handle = () => lease.abort()
    expect((await ask('POST', pods, { body: '{}' })).status).toBe(403)
    expect(open.attempt.mutations()).toEqual({ objects: 0, records: 0, uncertain: 1 })
  })
})

describe('another hand', () => {
  const secrets = '/api/v1/namespaces/ns/secrets'
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
  const upgrade: ExpectedRecords = { before: { revision: 1, secretUid: 'u1' }, makes: 'labelled', operationId: 'op' }
  const put = (version: number) => {
    const body = encodeSecret(record('web', version))
    return ask('PUT', `${secrets}/sh.helm.release.v1.web.v${version}`, { body, headers })
  }

  /** The cluster shows this revision as the newest. */
  const shows = (version: number) => {
    handle = (_request, response) => void response.writeHead(200).end(recordList(version))
  }

  test('is seen where helm would change a record above its own: nothing is written any more', async () => {
    open = admit([], [], upgrade)
    shows(1)
    expect((await put(1)).status).toBe(200)
    expect((await put(2)).status).toBe(200)
    expect((await put(3)).status).toBe(403)
    expect(open.attempt.overtaken.aborted).toBe(true)
    expect((await put(2)).status).toBe(403)
    expect((await ask('PATCH', `${pods}/p`, { body: '{}' })).status).toBe(403)
    expect((await ask('GET', pods)).status).toBe(200)
    expect(open.attempt.wasRefused('overtaken')).toBe(true)
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET', 'PUT', 'GET'])
  })

  test('is seen where helm would create a record above its own', async () => {
    open = admit([], [], upgrade)
    expect((await ask('POST', secrets, { body: encodeSecret(record('web', 3)), headers })).status).toBe(403)
    expect(open.attempt.overtaken.aborted).toBe(true)
    expect(seen).toEqual([])
  })

  test('may be there unseen: no record is written over while the cluster does not show them', async () => {
    open = admit([], [], upgrade)
    handle = ({ method }, response) => void response.writeHead(method === 'GET' ? 500 : 200).end()
    expect((await put(2)).status).toBe(503)
    expect((await ask('PATCH', `${pods}/p`, { body: '{}' })).status).toBe(200)
    expect(seen.map(({ method }) => method).join(' ')).toMatch(/^GET( GET)+ PATCH$/)
  })

  test('is looked for while helm waits', async () => {
    open = admit([], [], upgrade)
    shows(3)
    if (!open.attempt.overtaken.aborted) await once(open.attempt.overtaken, 'abort')
    expect((await ask('PATCH', `${pods}/p`, { body: '{}' })).status).toBe(403)
    expect(seen.map(({ method }) => method)).toEqual(['GET'])
  })
})

describe('an object that is about to be deleted', () => {
  test('is looked at before, and nothing else is', async () => {
    const looked: unknown[] = []
    beforeDelete = async ({ resource, name }) => void looked.push({ resource, name, sent: seen.length })
    await ask('POST', pods, { body: '{}' })
    await ask('DELETE', `${pods}/hook`)
    expect(looked).toEqual([{ resource: 'pods', name: 'hook', sent: 1 }])
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })

  test('stays when the lease is lost meanwhile', async () => {
    beforeDelete = async () => lease.abort()
    expect((await ask('DELETE', `${pods}/hook`)).status).toBe(403)
    expect(seen).toEqual([])
  })
})

describe('what was changed is counted', () => {
  const secrets = '/api/v1/namespaces/ns/secrets'
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }

  test('writes that were taken, records apart; reads and dry runs never', async () => {
    await ask('POST', secrets, { body: encodeSecret(record('web')), headers })
    await ask('PUT', `${secrets}/sh.helm.release.v1.web.v1`, { body: encodeSecret(record('web')), headers })
    await ask('PATCH', `${pods}/p`, { body: '{}' })
    await ask('PATCH', `${pods}/p?dryRun=All`, { body: '{}' })
    await ask('GET', pods)
    expect(open.attempt.mutations()).toEqual({ objects: 1, records: 2, uncertain: 0 })
  })

  test.each([400, 403, 404, 409, 422, 429])('a %i has changed nothing', async (status) => {
    answerWith(status)
    expect((await ask('POST', pods, { body: '{}' })).status).toBe(status)
    expect(open.attempt.changed()).toBe(false)
  })

  test.each([500, 503, 504])('a %i may have changed something', async (status) => {
    answerWith(status)
    await ask('POST', pods, { body: '{}' })
    expect(open.attempt.mutations()).toEqual({ objects: 0, records: 0, uncertain: 1 })
  })

  test('an answer that is lost counts, a cluster that was never reached does not', async () => {
    handle = (_request, response) => void response.destroy()
    expect((await ask('POST', pods, { body: '{}' })).status).toBe(503)
    expect([open.attempt.changed(), open.attempt.unreachable()]).toEqual([true, 1])
    open = admit()
    await upstream.goAway()
    expect((await ask('POST', pods, { body: '{}' })).status).toBe(503)
    expect([open.attempt.changed(), open.attempt.unreachable()]).toEqual([false, 1])
    expect((await ask('DELETE', `${pods}/canary-password`)).status).toBe(503)
    const path = { method: 'POST', path: pods }
    expect(logged).toMatchObject([
      { ...path, err: { message: 'other side closed' } },
      { ...path, err: { code: 'ECONNREFUSED' } },
      { method: 'DELETE', path: `${pods}/*` },
    ])
    expect(JSON.stringify(logged)).not.toContain('canary')
  })
})
