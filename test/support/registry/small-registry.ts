import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { basicOfUser, service, type TokenRealm } from './realm.ts'
import type { Auth, TestRegistry } from './registry.ts'

type Repository = {
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, { readonly body: Buffer; readonly type: string }>
  readonly tags: Map<string, string>
}
type Call = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly repository: Repository
  readonly name: string
  readonly rest: string
  readonly query: URLSearchParams
}

/** As much of a registry as pushing and pulling takes, in memory. Lists have pages of two. */
export async function startSmallRegistry(auth: Auth, realm: TokenRealm): Promise<TestRegistry> {
  const repositories = new Map<string, Repository>()
  const uploads = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://registry.test')
    const [, name = '', rest = ''] = /^\/v2\/(.+?)\/((?:tags|manifests|blobs)\/.*)$/.exec(pathname) ?? []
    if (!(await isAllowed(request, name))) return challenge(response)
    if (pathname === '/v2/') return void response.writeHead(200).end('{}')
    if (pathname === '/v2/_catalog') return page(response, pathname, query, 'repositories', [...repositories.keys()])
    const known = repositories.get(name)
    if (known === undefined && ['GET', 'HEAD'].includes(request.method ?? '')) return unknown(response, 'NAME_UNKNOWN')
    const repository = known ?? { blobs: new Map(), manifests: new Map(), tags: new Map() }
    repositories.set(name, repository)
    return route({ request, response, repository, name, rest, query })
  }

  async function isAllowed({ headers, method }: IncomingMessage, name: string): Promise<boolean> {
    if (auth === 'none') return true
    if (auth === 'basic') return headers.authorization === basicOfUser
    const action = method === 'GET' || method === 'HEAD' ? 'pull' : 'push'
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    if (token === undefined) return false
    return name === '' ? realm.allows(token, 'catalog', '*') : realm.allows(token, name, action)
  }

  function challenge(response: ServerResponse): void {
    const bearer = `Bearer realm="${realm.url}",service="${service}",scope="repository:all:push,pull"`
    const header = auth === 'basic' ? 'Basic realm="registry"' : bearer
    response.writeHead(401, { 'www-authenticate': header }).end('canary-in-a-body')
  }

  async function route(call: Call): Promise<void> {
    const { request, response, repository, name, rest, query } = call
    if (rest === 'tags/list') return page(response, `/v2/${name}/tags/list`, query, 'tags', [...repository.tags.keys()])
    if (rest.startsWith('blobs/uploads/')) return upload(call)
    if (rest.startsWith('blobs/')) return send(call, repository.blobs.get(rest.slice(6)), 'application/octet-stream')
    const reference = rest.slice('manifests/'.length)
    if (request.method !== 'PUT') {
      const found = repository.manifests.get(repository.tags.get(reference) ?? reference)
      return send(call, found?.body, found?.type ?? '')
    }
    const body = await buffer(request)
    const digest = digestOf(body)
    repository.manifests.set(digest, { body, type: request.headers['content-type'] ?? '' })
    if (!reference.startsWith('sha256:')) repository.tags.set(reference, digest)
    response.writeHead(201, { location: `/v2/${name}/manifests/${digest}`, 'docker-content-digest': digest }).end()
  }

  async function upload({ request, response, repository, name, rest, query }: Call): Promise<void> {
    const id = rest.slice('blobs/uploads/'.length) || randomUUID()
    const content = Buffer.concat([uploads.get(id) ?? Buffer.alloc(0), await buffer(request)])
    const digest = query.get('digest')
    if (digest === null) {
      uploads.set(id, content)
      return void response.writeHead(202, { location: `/v2/${name}/blobs/uploads/${id}` }).end()
    }
    if (digestOf(content) !== digest) return void response.writeHead(400).end()
    repository.blobs.set(digest, content)
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end()
  }

  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function send({ request, response }: Call, body: Buffer | undefined, type: string): void {
  if (body === undefined) {
    unknown(response, 'MANIFEST_UNKNOWN')
    return
  }
  const headers = { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digestOf(body) }
  response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : body)
}

function unknown(response: ServerResponse, code: string): void {
  response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code }] }))
}

function page(
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
  key: string,
  all: readonly string[],
): void {
  const last = query.get('last') ?? ''
  const after = all.toSorted().filter((name) => name > last)
  const shown = after.slice(0, 2)
  const next = `<${path}?last=${encodeURIComponent(shown.at(-1) ?? '')}&n=2>; rel="next"`
  const headers = { 'content-type': 'application/json', ...(after.length > 2 ? { link: next } : {}) }
  response.writeHead(200, headers).end(JSON.stringify({ [key]: shown }))
}

const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`
