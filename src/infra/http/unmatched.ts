import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problems.ts'
import { malformedUrl } from './malformed-url.ts'
import { sendProblem } from './problem-json.ts'
import type { Route } from './route.ts'
import { inputProblem } from './validate.ts'

/**
 * The problem of a path that cannot be decoded, so that it is taken to no route: the route that it would be of names what is wrong.
 */
export function undecodable(routes: readonly Route[], url: string): Problem {
  const steps = (url.split('?', 1)[0] ?? '/').split('/')
  const route = routes.find((each) => matches(each.url.split('/'), steps))
  return inputProblem(malformedUrl(route?.url ?? null, url))
}

/** The methods that the routes know for a path, sorted; empty when none matches. */
export function methodsOf(routes: readonly Route[], path: string): string[] {
  const steps = path.split('/')
  return [...new Set(routes.filter((route) => matches(route.url.split('/'), steps)).map((r) => r.method))].sort()
}

function matches(pattern: readonly string[], steps: readonly string[]): boolean {
  return (
    pattern.length === steps.length &&
    pattern.every((part, i) => (part.startsWith(':') ? steps[i] !== '' : part === steps[i]))
  )
}

/** Answers what no route matches: 405 with `Allow` where the path is known for other methods, else 404. */
export function answerUnmatched(app: FastifyInstance, routes: readonly Route[]): void {
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const allowed = methodsOf(routes, request.url.split('?', 1)[0] ?? '/')
    if (allowed.length === 0) return sendProblem(new Problem('not_found', 'There is no such path'), request, reply)
    reply.header('allow', allowed.join(', '))
    const detail = `${request.method} is not possible here, only ${allowed.join(', ')}`
    return sendProblem(new Problem('method_not_allowed', detail, { extra: { allowed } }), request, reply)
  })
}
