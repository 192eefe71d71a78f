import type { Instant } from '../core/instant.ts'
import { type FeedEvent, feedEventView } from '../infra/events/feed.ts'
import type { Delivery } from './core/model.ts'
import type { Message } from './send.ts'
import { signature } from './sign.ts'

/** What a receiver gets: the event as the stream shows it, signed. The id of the delivery is the same each time. */
export function messageOf(
  { url, secret }: { readonly url: string; readonly secret: string },
  { id }: Pick<Delivery, 'id'>,
  event: FeedEvent,
  now: Instant,
): Message {
  const body = JSON.stringify(feedEventView(event))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'flotilla',
    'flotilla-delivery': id,
    'flotilla-event': event.type,
    'flotilla-signature': signature(secret, body, now),
  }
  return { url, headers, body }
}
