import type { FastifyReply, FastifyRequest } from 'fastify'
import type { JsonObject } from '../../core/json.ts'
import { type ErrorCode, Problem, problemCatalogue } from '../../core/problems.ts'

/** Fastify's own errors, by their status, as codes of the catalogue. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  414: 'malformed',
  415: 'unsupported_media_type',
  503: 'unavailable',
}

/** What a caller is told where the framework's own words would be odd or would repeat input. */
const detailOfCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  malformed: 'The request cannot be read: its body must be well-formed JSON and its URL well-formed',
  not_found: 'There is no such path',
  too_large: 'A body may have at most 1 MiB',
  unsupported_media_type: 'Send the body as Content-Type: application/json',
  unavailable: 'The server is stopping or not ready yet: try again',
}

/**
 * The problem that a caller may see for any thrown value. What nobody foresaw becomes `internal`, with nothing of its
 * text: the request id leads to the log.
 */
export function toProblem(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error
  if (isDatabaseAway(error)) return new Problem('unavailable', 'The database does not answer: try again')
  if (isReadOnly(error)) return new Problem('unavailable', 'The database takes no writes now: try again')
  if (isOutOfRoom(error)) return new Problem('unavailable', 'The database has no room left, on disk or in memory')
  const status = frameworkStatus(error)
  const code = status === null ? undefined : codeOfStatus[status]
  if (code) return new Problem(code, detailOfCode[code] ?? problemCatalogue[code].title)
  return new Problem('internal', `Something unexpected happened; the log has it under ${requestId}`, {
    extra: { requestId },
  })
}

/** What the driver says of a connection that is not made, that breaks, and that broke before its statement. */
const isDriversWord = (text: string): boolean =>
  /^(timeout exceeded|Connection terminated|Client (has|was) .*not queryable)/.test(text)

/**
 * PostgreSQL's classes for a lost connection, a server that starts or stops and a lock that was not free in time, and the
 * socket's own errors.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'CommitUnknown' || isDriversWord(error.message)) return true
  const code = 'code' in error ? String(error.code) : ''
  // The socket of a server on this machine is not there while that server is not.
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect'
  return /^(08|57P|53300|55P03)/.test(code) || ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)
}

/** What PostgreSQL says to a write where it is a standby, or was made read-only. */
function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '25006'
}

/** PostgreSQL's class 53, insufficient resources: nothing was written, and nothing can be until there is room again. */
function isOutOfRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^53[12]00$/.test(String(error.code))
}

/** The status of an error made by Fastify itself; another library's `statusCode` says nothing about our request. */
function frameworkStatus(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return null
  const code = 'code' in error ? String(error.code) : ''
  return code.startsWith('FST_') || error instanceof SyntaxError ? error.statusCode : null
}

/** The body of a problem (RFC 9457). `instance` is the path alone: a query may hold what should not be repeated. */
export function problemBody(problem: Problem, url: string): JsonObject {
  const own = {
    type: `urn:flotilla:problem:${problem.code}`,
    title: problemCatalogue[problem.code].title,
    status: problem.status,
    detail: problem.message,
    instance: url.split('?', 1)[0] ?? '/',
    code: problem.code,
    ...(problem.errors.length > 0 ? { errors: problem.errors.map((e) => ({ ...e })) } : {}),
  }
  return { ...own, ...problem.extra, ...own }
}

/** Answers with a problem. A 5xx is logged, with its cause if nobody foresaw it; the caller sees neither cause nor stack. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.id)
  if (problem.status >= 500 && !reply.raw.destroyed) logFault(error, problem, request)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="flotilla"')
  if (problem.status === 429 || problem.status === 503) reply.header('retry-after', retryAfter(problem))
  if (problem.status === 413 || problem.status === 415) takeRest(request, reply)
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(problem, request.url)))
}

/**
 * Reads what is still to come of a body that is refused, and drops it: a connection that is closed before loses the
 * answer to a client that is still sending. The time that a request may take bounds it.
 */
function takeRest({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection')
  raw.resume()
}

function logFault(error: unknown, problem: Problem, request: FastifyRequest): void {
  if (error instanceof Problem) request.log.warn({ code: problem.code, detail: problem.message }, 'request not served')
  else request.log.error({ err: error, code: problem.code }, 'request failed')
}

function retryAfter(problem: Problem): string {
  const told = problem.extra.retryAfterSeconds
  return String(typeof told === 'number' ? told : 1)
}
