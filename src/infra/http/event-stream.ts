import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { contextOf } from './context.ts'
import type { Call } from './route.ts'

/** What a stream needs of a call. */
export type StreamCall = Pick<Call, 'request' | 'reply' | 'principal' | 'signal' | 'stillAllowed'>

/** One server-sent event. `id` comes back as `Last-Event-ID` when the client connects again. */
export type ServerSentEvent = { readonly id: string; readonly event: string; readonly data: unknown }

/** A revoked key ends its streams within 5 s (SECURITY.md): this, and how long a key may be cached, stay below. */
const heartbeatMs = 3000

/** True when the client asks for a stream rather than a list. */
export function wantsEventStream(accept: string | undefined): boolean {
  return (accept ?? '').toLowerCase().includes('text/event-stream')
}

/** The `Last-Event-ID` header, or null. Whoever uses it must check its form. */
export function lastEventId(call: Pick<Call, 'request'>): string | null {
  const value = call.request.headers['last-event-id']
  return typeof value === 'string' && value !== '' ? value : null
}

/**
 * Streams events (`text/event-stream`) until the client goes, the server stops, the token ends or the source does.
 * The source is read only as fast as the client takes it; it is closed (`return()`) at the end, also after an error.
 *
 * @param source gives events in order, from behind `Last-Event-ID`; it must end soon after `signal` is aborted.
 */
export async function eventStream(
  call: StreamCall,
  source: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
): Promise<FastifyReply> {
  const { clock, streams } = contextOf(call.request)
  const giveBack = streams.take(call.principal.id)
  const ended = new AbortController()
  const signal = AbortSignal.any([call.signal, ended.signal])
  const response = begin(call.reply)
  const beating = heartbeat(
    response,
    signal,
    (ms) => clock.sleep(ms, signal),
    () => call.stillAllowed(),
  ).finally(() => ended.abort())
  try {
    for await (const event of source(signal)) {
      if (signal.aborted) break
      await write(response, formatEvent(event), signal)
    }
  } catch (error) {
    if (!signal.aborted) call.request.log.error({ err: error }, 'event stream broke')
  } finally {
    ended.abort()
    await beating
    response.end()
    giveBack()
  }
  return call.reply
}

/** One event in the wire format. Line ends in `id` and `event` are dropped: they would forge fields. */
export function formatEvent({ id, event, data }: ServerSentEvent): string {
  const line = (text: string) => text.replaceAll(/[\r\n\0]/g, '')
  return `id: ${line(id)}\nevent: ${line(event)}\ndata: ${JSON.stringify(data)}\n\n`
}

function begin(reply: FastifyReply): ServerResponse {
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  reply.raw.writeHead(200, {
    ...Object.fromEntries(headers as [string, string][]),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  })
  reply.raw.write('retry: 2000\n\n')
  return reply.raw
}

async function heartbeat(
  response: ServerResponse,
  signal: AbortSignal,
  sleep: (ms: number) => Promise<void>,
  allowed: () => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(heartbeatMs)
    if (signal.aborted || !(await allowed())) return
    await write(response, ':\n\n', signal)
  }
}

async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (response.destroyed || response.write(text) || signal.aborted) return
  await once(response, 'drain', { signal }).catch(() => undefined)
}
