import { Agent, request } from 'undici'
import { pinned, type Resolve } from '../infra/net/reach.ts'
import { unlessAborted } from '../infra/unless-aborted.ts'
import type { Allowed } from './allow.ts'
import type { Sent } from './core/model.ts'
import { AddressRefused, addressesOf } from './resolve.ts'

/** What goes to a receiver. */
export type Message = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends one message. Never throws; `signal` ends it early, and then it counts as unanswered. */
export type Send = (message: Message, signal: AbortSignal) => Promise<Sent>

export type SendParts = { readonly allowed: Allowed; readonly resolve: Resolve; readonly timeoutMs?: number }

/** From the first question to a name server to the last header of the answer (SECURITY.md). */
const timeoutMs = 10_000
const largestHeaders = 16 * 1024

/**
 * Sends by HTTP: the host is resolved once, its addresses are checked, and what was checked is what is connected to. No
 * redirect is followed, nothing of the answer is read but its status, and no connection is used again.
 */
export function httpSend(parts: SendParts): Send {
  return async (message, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(parts.timeoutMs ?? timeoutMs)])
    try {
      return await ask(parts, message, limit)
    } catch (error) {
      return { kind: 'unanswered', why: limit.aborted ? 'no answer in time' : reasonOf(error) }
    }
  }
}

async function ask(parts: SendParts, { url, headers, body }: Message, signal: AbortSignal): Promise<Sent> {
  const target = new URL(url)
  // Asking for an address cannot be ended; waiting for it can.
  const addresses = await unlessAborted(addressesOf(target, parts), signal)
  const agent = new Agent({ connect: { lookup: pinned(addresses) }, maxHeaderSize: largestHeaders, pipelining: 0 })
  try {
    const asked = request(target, { method: 'POST', headers, body, dispatcher: agent, signal })
    const answer = await unlessAborted(asked, signal)
    answer.body.on('error', () => undefined).destroy()
    return { kind: 'answered', status: answer.statusCode }
  } finally {
    agent.destroy().catch(() => undefined)
  }
}

/** A code such as `ECONNREFUSED`. The text of an error may hold what a receiver said, and is kept nowhere. */
function reasonOf(error: unknown): string {
  if (error instanceof AddressRefused) return error.message
  const codes = [error, (error as { cause?: unknown }).cause].map((one) => (one as { code?: unknown } | null)?.code)
  const code = codes.find((one) => typeof one === 'string' && /^[A-Z0-9_]{1,60}$/.test(one))
  return typeof code === 'string' ? code : 'the connection failed'
}
