import { type Message, messageOf, referenceOf, type Told } from './message.ts'

/** What a broker says of messages that were sent together. `too_large` is final, `failed` may pass. */
export type Published =
  | { readonly kind: 'taken' }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'failed'; readonly why: string }

type Sent = { readonly taken: number; readonly failed: string | null }

/**
 * Sends events in order; `taken` says how many from the first on have been taken. Those that are too large together go in
 * two halves, and one that is too large by itself goes without its data.
 */
export async function publishInOrder(
  told: readonly Told[],
  send: (messages: readonly Message[]) => Promise<Published>,
): Promise<Sent> {
  const published = await send(told.map(messageOf))
  if (published.kind === 'taken') return { taken: told.length, failed: null }
  if (published.kind === 'failed') return { taken: 0, failed: published.why }
  if (told.length === 1) return sendReferences(told, send)
  const half = told.length >> 1
  const first = await publishInOrder(told.slice(0, half), send)
  if (first.failed !== null) return first
  const second = await publishInOrder(told.slice(half), send)
  return { taken: half + second.taken, failed: second.failed }
}

async function sendReferences(
  told: readonly Told[],
  send: (messages: readonly Message[]) => Promise<Published>,
): Promise<Sent> {
  const published = await send(told.map(referenceOf))
  if (published.kind === 'taken') return { taken: told.length, failed: null }
  const why = published.kind === 'failed' ? published.why : 'the broker takes no message of this size'
  return { taken: 0, failed: why }
}
