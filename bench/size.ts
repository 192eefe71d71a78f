import { ofListing } from './size/listing.ts'
import { ofQueue } from './size/queue.ts'
import { ofRows } from './size/rows.ts'
import { ofStreams } from './size/streams.ts'

/** How large each part is; `part` names one alone. */
export type Sizes = {
  readonly rows: number
  readonly clients: number
  readonly listed: number
  readonly queued: number
  readonly rounds: number
  readonly part: string | undefined
}

/** What a large fleet, many streams, long lists and long queues cost, with the memory that each takes. */
export async function size({ rows, clients, listed, queued, rounds, part }: Sizes): Promise<void> {
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    rows: () => ofRows(rows),
    streams: () => ofStreams(clients),
    listing: () => ofListing(listed, rounds),
    queue: () => ofQueue(queued),
  }
  for (const name of part === undefined ? Object.keys(parts) : [part]) {
    const measure = parts[name]
    if (measure === undefined) throw new Error(`no such part: ${name}; there are ${Object.keys(parts).join(', ')}`)
    await measure()
  }
}
