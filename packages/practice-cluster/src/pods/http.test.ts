import { describe, expect, it } from 'vitest'
import type { Container, Pod } from '../controllers/model.ts'
import { isReady } from '../controllers/pod-state.ts'
import { NAMESPACE, World } from '../controllers/testing/world.ts'
import { types } from '../resources/table.ts'
import { replyOf } from './http.ts'

const FAULT = 'practice.flotilla.dev/fault'

const serving: Partial<Container> = {
  ports: [{ name: 'web', containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/up', port: 'web' } },
  livenessProbe: { httpGet: { path: '/alive', port: 9090 } },
}

function withServer(image = 'app:1.0', container: Partial<Container> = serving): World {
  const world = new World()
  const spec = { containers: [{ name: 'main', image, ...container }] }
  world.create(types.pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: NAMESPACE }, spec })
  return world.pass(5)
}

const pod = (world: World) => world.get<Pod>(types.pods, 'p')

function get(world: World, path: string, port = '8080', scheme = ''): number | string {
  const reply = replyOf(pod(world), { scheme, port, path })
  return reply.kind === 'answered' ? reply.status : reply.why
}

describe('a simulated server', () => {
  it('knows the paths of its probes and the usual ones of health, on each of its ports', () => {
    const world = withServer()
    for (const path of ['/up', '/alive', '/health', '/healthz', '/ready', '/livez']) expect(get(world, path)).toBe(200)
    expect([get(world, '/'), get(world, '/other'), get(world, '/health', '9090')]).toEqual([404, 404, 200])
  })

  it('refuses connections to other ports, to names of ports, and while it does not run', () => {
    const refused = /^dial tcp 10\.244\.\d+\.\d+:\d+: connect: connection refused$/
    expect(get(withServer(), '/health', '81')).toMatch(refused)
    expect(get(withServer('app:crash'), '/health')).toMatch(refused)
    expect(get(withServer(), '/health', 'web')).toBe('dial tcp: lookup tcp/web: unknown port')
  })

  it('speaks the scheme of its probes', () => {
    const secure = withServer('app:1.0', { readinessProbe: { httpGet: { path: '/up', port: 8443, scheme: 'HTTPS' } } })
    expect([get(secure, '/up', '8443', 'https'), get(secure, '/up', '8443')]).toEqual([200, 400])
    expect(get(withServer(), '/up', '8080', 'https')).toBe('http: server gave HTTP response to HTTPS client')
  })

  it('answers 503 where readiness is asked while it is not ready', () => {
    const world = withServer('app:never-ready')
    expect(['/up', '/readyz', '/health'].map((path) => get(world, path))).toEqual([503, 503, 503])
    expect(['/alive', '/livez', '/other'].map((path) => get(world, path))).toEqual([200, 200, 404])
  })

  it('turns sick and well again as its annotation says, and stays Ready', () => {
    const world = withServer()
    world.annotate(types.pods, 'p', { [FAULT]: 'sick' })
    expect([get(world.pass(1), '/alive'), get(world, '/other'), isReady(pod(world))]).toEqual([503, 404, true])
    world.annotate(types.pods, 'p', { [FAULT]: 'none' })
    expect(get(world.pass(1), '/alive')).toBe(200)
  })

  it('is sick from the start with a tag that says so', () => {
    const world = withServer('app:2.0-sick')
    expect([get(world, '/health'), isReady(pod(world))]).toEqual([503, true])
  })

  it('becomes unready and ready again while it runs, as its annotation says', () => {
    const world = withServer()
    world.annotate(types.pods, 'p', { [FAULT]: 'never-ready' })
    expect([isReady(pod(world.pass(1))), get(world, '/up')]).toEqual([false, 503])
    world.annotate(types.pods, 'p', { [FAULT]: 'none' })
    expect([isReady(pod(world.pass(1))), get(world, '/up')]).toEqual([true, 200])
    expect(world.problems).toEqual([])
  })
})
