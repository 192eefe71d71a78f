import type { Container, Pod, Probe } from '../controllers/model.ts'
import { faultOf } from './faults.ts'

/** A request that reaches for a port of a pod. */
export type PodRequest = { readonly scheme: string; readonly port: string; readonly path: string }

/** What the simulated container answers, or why the connection to it failed. */
export type PodReply =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'unreachable'; readonly why: string }

/** Paths that every simulated server knows beside those of its probes. */
const READINESS = ['/ready', '/readyz']
const LIVENESS = ['/live', '/livez']
const HEALTH = ['/health', '/healthz']

/**
 * What a pod answers over HTTP. A container listens, while it runs, on the ports that it declares and on those of its
 * probes; it knows the paths of its probes and the usual ones of health. Whoever is sick answers 503 to all of them,
 * whoever is not ready to all but those of liveness.
 */
export function replyOf(pod: Pod, { scheme, port, path }: PodRequest): PodReply {
  const address = `${pod.status?.podIP ?? ''}:${port}`
  if (!/^\d+$/.test(port)) return { kind: 'unreachable', why: `dial tcp: lookup tcp/${port}: unknown port` }
  const container = pod.spec.containers.find((each) => listensOn(each, Number(port)))
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container?.name)
  if (container === undefined || status?.state.running === undefined) {
    return { kind: 'unreachable', why: `dial tcp ${address}: connect: connection refused` }
  }
  const secure = probesOf(container).some(({ httpGet }) => isOn(container, httpGet, Number(port), 'HTTPS'))
  if (scheme === 'https' && !secure) {
    return { kind: 'unreachable', why: 'http: server gave HTTP response to HTTPS client' }
  }
  if (scheme !== 'https' && secure) return answered(400, 'Client sent an HTTP request to an HTTPS server.')
  return answerOf(pod, container, status.ready, path)
}

function answerOf(pod: Pod, container: Container, ready: boolean, path: string): PodReply {
  const readiness = new Set([...READINESS, ...pathsOf(container.readinessProbe)])
  const liveness = new Set([...LIVENESS, ...pathsOf(container.livenessProbe), ...pathsOf(container.startupProbe)])
  if (!readiness.has(path) && !liveness.has(path) && !HEALTH.includes(path)) return answered(404, 'not found')
  if (faultOf(pod, container) === 'sick') return answered(503, 'unhealthy: told to be sick')
  const alive = liveness.has(path) && !readiness.has(path)
  return ready || alive ? answered(200, 'ok') : answered(503, 'not ready')
}

const answered = (status: number, text: string): PodReply => ({
  kind: 'answered',
  status,
  text: `${text} (simulated)\n`,
})

const probesOf = ({ livenessProbe, readinessProbe, startupProbe }: Container): readonly Probe[] =>
  [livenessProbe, readinessProbe, startupProbe].filter((each) => each !== undefined)

const pathsOf = (probe: Probe | undefined): readonly string[] =>
  probe?.httpGet === undefined ? [] : [rooted(probe.httpGet.path ?? '/')]

const rooted = (path: string): string => (path.startsWith('/') ? path : `/${path}`).split('?')[0] ?? '/'

function listensOn(container: Container, port: number): boolean {
  const declared = (container.ports ?? []).some(({ containerPort }) => containerPort === port)
  return declared || probesOf(container).some(({ httpGet }) => isOn(container, httpGet, port))
}

function isOn(container: Container, check: Probe['httpGet'], port: number, scheme?: string): boolean {
  if (check === undefined || (scheme !== undefined && check.scheme !== scheme)) return false
  const named = (container.ports ?? []).find(({ name }) => name === check.port)
  return (named?.containerPort ?? Number(check.port)) === port
}
