import type { Api } from './api.ts'
import { eventually } from './eventually.ts'

export type StreamedEvent = { readonly id: string; readonly event: string; readonly data: unknown }

export type EventReader = {
  /** Waits until what has come so far is as wanted, and answers it. */
  until(wanted: (events: readonly StreamedEvent[]) => boolean): Promise<readonly StreamedEvent[]>
  close(): void
}

/** Follows a stream of server-sent events from behind `lastEventId`. The caller closes it. */
export function readStream(api: Api, path: string, lastEventId: string | null = null): EventReader {
  const closing = new AbortController()
  const events: StreamedEvent[] = []
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
  }
  let broken: unknown = null
  const follow = async () => {
    const answer = await api.raw('GET', path, { headers, signal: closing.signal })
    if (answer.status !== 200 || answer.body === null) throw new Error(`${answer.status}: ${await answer.text()}`)
    let rest = ''
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      events.push(...blocks.flatMap(parse))
    }
  }
  follow().catch((error: unknown) => {
    if (!closing.signal.aborted) broken = error
  })
  return {
    until: (wanted) =>
      eventually(`events of ${path}`, async () => {
        if (broken !== null) throw broken
        return wanted(events) ? [...events] : null
      }),
    close: () => closing.abort(),
  }
}

/** Comments, such as heartbeats, are no events. */
function parse(block: string): StreamedEvent[] {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const
    }),
  )
  const data = fields.get('data')
  if (data === undefined) return []
  return [{ id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) }]
}
