import type { Api } from './api.ts'

export type StreamedEvent = { readonly id: string; readonly event: string; readonly data: unknown }

/** An open event stream, read one event after another. */
export type EventStream = {
  /** The next events, as soon as there are so many. */
  take(count: number): Promise<readonly StreamedEvent[]>
  close(): Promise<void>
}

/** Opens `path` as a stream of server-sent events. Throws when the answer is none. */
export async function eventsOf(api: Api, path: string, lastEventId?: string): Promise<EventStream> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  }
  const gone = new AbortController()
  const answer = await api.raw('GET', path, { headers, signal: gone.signal })
  if (answer.status !== 200 || answer.body === null) throw new Error(`no stream: ${answer.status}`)
  const events = parse(answer.body)
  return {
    take: async (count) => {
      const taken: StreamedEvent[] = []
      while (taken.length < count) {
        const next = await events.next()
        if (next.done === true) throw new Error(`the stream ended after ${taken.length} of ${count} events`)
        taken.push(next.value)
      }
      return taken
    },
    close: async () => {
      gone.abort()
      await events.return(undefined).catch(() => undefined)
    },
  }
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent, undefined> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = toEvent(text.slice(0, end))
      text = text.slice(end + 2)
      if (event !== null) yield event
    }
  }
  return undefined
}

/** Null for a comment or a `retry`. */
function toEvent(block: string): StreamedEvent | null {
  const fields = new Map(
    block.split('\n').flatMap((line) => {
      const at = line.indexOf(': ')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 2)] as const] : []
    }),
  )
  const data = fields.get('data')
  return data === undefined
    ? null
    : { id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) }
}
