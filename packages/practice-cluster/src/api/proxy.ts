import type { Pod } from '../controllers/model.ts'
import { replyOf } from '../pods/http.ts'
import type { Answer, Api, Call, Target } from './call.ts'
import { existing } from './read.ts'
import { ApiError, badRequest } from './status.ts'

/** What `pods/ID/proxy` names: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, where scheme and port may be empty. */
type Backend = { readonly scheme: string; readonly name: string; readonly port: string }

/** The parts of a path up to and with `proxy`. */
const OWN_PARTS = 8

/**
 * Any method on `pods/[SCHEME:]NAME[:PORT]/proxy/PATH`: what the simulated container answers there.
 * @throws ApiError 404 for no such pod, 503 as the API server words it when nothing listens.
 */
export function proxyPod(api: Api, call: Call, target: Target): Answer {
  const { scheme, name, port } = backendOf(target.name ?? '')
  const pod = existing(api, { ...target, name }) as Pod
  const rest = call.path.split('/').slice(OWN_PARTS)
  if (rest.length === 0) return redirect(call)
  const reply = replyOf(pod, { scheme, port: port || firstPort(pod, scheme), path: `/${rest.join('/')}` })
  if (reply.kind === 'answered') {
    return { status: reply.status, body: reply.text, contentType: 'text/plain; charset=utf-8' }
  }
  throw new ApiError(503, 'ServiceUnavailable', `error trying to reach service: ${reply.why}`)
}

/** @throws ApiError 400 when it names no pod. */
function backendOf(id: string): Backend {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length <= 3 && name !== '' && ['', 'http', 'https'].includes(scheme)) return { scheme, name, port }
  throw badRequest(`invalid pod request ${JSON.stringify(id)}`)
}

/** The port that a request without one goes to: the first that a container declares, otherwise that of the scheme. */
function firstPort({ spec }: Pod, scheme: string): string {
  const [first] = spec.containers.flatMap(({ ports = [] }) => ports.slice(0, 1))
  return String(first?.containerPort ?? (scheme === 'https' ? 443 : 80))
}

/** Relative links of a served page only work below a slash. */
function redirect({ path, query }: Call): Answer {
  const rest = query.size === 0 ? '' : `?${query}`
  return { status: 301, body: '', headers: { location: `${path}/${rest}` } }
}
