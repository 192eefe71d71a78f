import { type Api, type Call, flag, type LogLine, type Outcome, type Target } from './call.ts'
import { existing } from './read.ts'
import { badRequest } from './status.ts'

const POLL_MS = 500

/** GET of `pods/NAME/log`: the lines that the simulated container wrote, followed when asked. */
export function podLog(api: Api, call: Call, target: Target): Outcome {
  const { query } = call
  const pod = existing(api, target)
  const container = containerOf(pod, query.get('container') ?? undefined)
  const all = api.logs(pod, container, flag(query, 'previous'))
  if (all === undefined) throw notStarted(pod.metadata.name, container, flag(query, 'previous'))
  const timestamps = flag(query, 'timestamps')
  const body = selectLines(all, query, api.now())
    .map((line) => print(line, timestamps))
    .join('')
  if (!flag(query, 'follow')) return { status: 200, body, contentType: 'text/plain' }
  call.response.writeHead(200, { 'content-type': 'text/plain' })
  call.response.write(body)
  follow(api, call, target, container, all.length)
  return undefined
}

function notStarted(pod: string, container: string, previous: boolean): Error {
  const why = previous ? 'previous terminated container not found' : 'is waiting to start: ContainerCreating'
  const what = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)}`
  return badRequest(previous ? `${why}: ${what}` : `${what} ${why}`)
}

function containerOf(pod: { readonly [field: string]: unknown }, wanted: string | undefined): string {
  const spec = (pod.spec ?? {}) as { containers?: { name: string }[]; initContainers?: { name: string }[] }
  const names = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((each) => each.name)
  if (wanted !== undefined && names.includes(wanted)) return wanted
  if (wanted === undefined && (spec.containers ?? []).length === 1) return names[0] ?? ''
  if (wanted === undefined) throw badRequest(`a container name must be specified, choose one of: [${names.join(' ')}]`)
  throw badRequest(`container ${wanted} is not valid for this pod`)
}

function selectLines(lines: readonly LogLine[], query: URLSearchParams, now: Date): readonly LogLine[] {
  const seconds = query.get('sinceSeconds')
  const since =
    seconds === null ? (query.get('sinceTime') ?? '') : new Date(now.getTime() - Number(seconds) * 1000).toISOString()
  const recent = since === '' ? lines : lines.filter((line) => line.at >= since)
  const tail = query.get('tailLines')
  return tail === null ? recent : recent.slice(Math.max(0, recent.length - Number(tail)))
}

const print = ({ at, text }: LogLine, timestamps: boolean): string => `${timestamps ? `${at} ` : ''}${text}\n`

function isOver(api: Api, { type, namespace = '', name = '' }: Target): boolean {
  const pod = api.store.get(type, namespace, name)
  const phase = ((pod?.status ?? {}) as { phase?: string }).phase
  return pod === undefined || phase === 'Succeeded' || phase === 'Failed'
}

function follow(api: Api, { response, query }: Call, target: Target, container: string, from: number): void {
  const timestamps = flag(query, 'timestamps')
  let seen = from
  const timer = setInterval(() => {
    const pod = api.store.get(target.type, target.namespace ?? '', target.name ?? '')
    const lines = pod === undefined ? [] : (api.logs(pod, container, false) ?? [])
    for (const line of lines.slice(seen)) response.write(print(line, timestamps))
    seen = Math.max(seen, lines.length)
    if (isOver(api, target)) response.end()
  }, POLL_MS)
  response.once('close', () => clearInterval(timer))
}
