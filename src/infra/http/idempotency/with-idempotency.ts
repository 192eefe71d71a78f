import { randomUUID } from 'node:crypto'
import { Problem } from '../../../core/problems.ts'
import type { Tx } from '../../database/types.ts'
import type { RequestCall } from '../call.ts'
import type { AppContext } from '../context.ts'
import { problemBody, toProblem } from '../problem-json.ts'
import type { Route } from '../route.ts'
import { jsonText } from '../shared-answer.ts'
import { inputProblem } from '../validate.ts'
import { accepted, prefersAsync } from '../waiting.ts'
import { isFinal, type KeyState, type StoredOutcome, stillCovers } from './judge.ts'
import type { KeyedRequest, StoredAnswer } from './keyed-request.ts'
import { requestHash } from './request-hash.ts'
import { type Claim, claimSeconds } from './store.ts'

const lookAgainMs = 200

/**
 * Runs a request under its `Idempotency-Key` (SPEC section 1): the first one runs, the same one later answers the
 * first outcome, waiting for it while it is under way, and another one under the same key is refused.
 */
export async function withIdempotency(
  context: AppContext,
  route: Route,
  call: RequestCall,
  key: string,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const state = await stateOf(context, call, key)
  if (state.kind === 'mismatch')
    throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another query or body')
  if (state.kind === 'claimed') return runClaimed(context, route, call, state.claim, run)
  call.reply.header('idempotency-replayed', 'true')
  if (state.kind === 'answered') return sendStored(call, state.outcome)
  // Who does not want to wait is told where to look, whatever the first one was answered.
  if (state.outcome !== null && !prefersAsync(call.request.headers.prefer)) return sendStored(call, state.outcome)
  return route.idempotency?.replay
    ? route.idempotency.replay(call, state.operationId)
    : accepted(call, state.operationId)
}

/** The key of a request; null without one, and where it says nothing. Throws `malformed` for what is no key. */
export function idempotencyKey(route: Route, { request }: RequestCall): string | null {
  const key = request.headers['idempotency-key']
  if (key === undefined || route.method === 'GET' || route.permission.scope === 'public') return null
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw inputProblem([{ pointer: 'header/idempotency-key', message: 'must be 1 to 255 visible ASCII characters' }])
}

type Settled = Exclude<KeyState<Claim>, { kind: 'running' }>

/** Looks until there is something to say: the claim, an operation, an answer. */
async function stateOf(context: AppContext, call: RequestCall, key: string): Promise<Settled> {
  const { method, url } = call.request
  const scope = { principal: call.principal.id, method, path: url.split('?', 1)[0] ?? '/', key }
  const hash = requestHash(context.signingKey, call.query, call.body)
  for (;;) {
    const state = await context.idempotency.claim(scope, hash, randomUUID())
    if (state.kind !== 'running') return state
    await context.clock.sleep(lookAgainMs, call.signal)
    if (call.signal.aborted) throw new Problem('unavailable', 'The first request with this key still runs: try again')
  }
}

async function runClaimed(
  context: AppContext,
  route: Route,
  call: RequestCall,
  claim: Claim,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const keep = (answer: StoredAnswer): StoredOutcome => ({
    answer: route.idempotency?.keep?.(answer) ?? answer,
    tenants: call.principal.tenants,
  })
  let isOutcome = true
  const keepNone = () => {
    isOutcome = false
  }
  call.idempotency = { ...keyedRequest(context, claim, keep), keepNone }
  const done = new AbortController()
  const renewing = renewUntil(context, claim, done.signal)
  try {
    const body = await run()
    await record(context, claim, body === call.reply || !isOutcome ? null : keep(answerOf(call, body)))
    return body
  } catch (error) {
    await record(context, claim, failureOf(call, keep, error))
    throw error
  } finally {
    done.abort()
    await renewing
  }
}

async function renewUntil(context: AppContext, claim: Claim, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await context.clock.sleep((claimSeconds * 1000) / 3, done)
    if (!done.aborted)
      await context.idempotency.renew(claim).catch((err: unknown) => context.log.warn({ err }, 'renew'))
  }
}

/** Keeps the outcome, or frees the key when there is none to keep. What the request did is done in either case. */
async function record(context: AppContext, claim: Claim, outcome: StoredOutcome | null): Promise<void> {
  const done: Promise<unknown> =
    outcome === null ? context.idempotency.release(claim) : context.idempotency.complete(context.db, claim, outcome)
  await done.catch((err: unknown) => context.log.warn({ err }, 'an outcome could not be kept under its key'))
}

function failureOf(
  { request }: RequestCall,
  keep: (answer: StoredAnswer) => StoredOutcome,
  error: unknown,
): StoredOutcome | null {
  const problem = toProblem(error, request.id)
  if (!isFinal(problem.status)) return null
  return keep({ status: problem.status, headers: {}, body: JSON.stringify(problemBody(problem, request.url)) })
}

type Recorded = Omit<KeyedRequest, 'keepNone'>

function keyedRequest(context: AppContext, claim: Claim, keep: (answer: StoredAnswer) => StoredOutcome): Recorded {
  const still = (held: boolean) => {
    if (!held) throw new Problem('conflict', 'Another request with this Idempotency-Key took over')
  }
  return {
    bind: async (tx: Tx, subjectId) => still(await context.idempotency.bind(tx, claim, subjectId)),
    complete: async (tx: Tx, { status, headers = {}, body }) =>
      still(await context.idempotency.complete(tx, claim, keep({ status, headers, body: jsonText(body) }))),
  }
}

function answerOf({ reply }: RequestCall, body: unknown): StoredAnswer {
  const kept = ['location', 'preference-applied'].flatMap((name) => {
    const value = reply.getHeader(name)
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return { status: reply.statusCode, headers: Object.fromEntries(kept), body: jsonText(body) }
}

/** Answers what was kept, if the caller may still see it. */
function sendStored({ reply, principal }: RequestCall, { answer, tenants }: StoredOutcome): unknown {
  if (!stillCovers(principal.tenants, tenants)) throw new Problem('not_found', 'There is no such thing')
  reply.code(answer.status).headers(answer.headers)
  if (answer.body === '') return reply.send()
  return reply.type(answer.status >= 400 ? 'application/problem+json' : 'application/json').send(answer.body)
}
