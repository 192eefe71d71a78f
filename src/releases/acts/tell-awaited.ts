import { type Clock, seconds } from '../../core/instant.ts'
import { quietly } from './quietly.ts'

/** A hook that is over sooner is not told. */
const everyMs = seconds(2)

type Telling = {
  readonly clock: Clock
  /** What is waited for now, in words; null for nothing. */
  readonly read: () => Promise<string | null>
  /** Tells it to callers; null takes back what was told. */
  readonly tell: (awaited: string | null) => Promise<void>
}

/**
 * Tells what helm waits for as long as it runs: nobody decides anything meanwhile. What fails is tried again. The caller must
 * `end` it before anything is decided; that takes back what was told, and waits for a write that is under way, never for a read.
 */
export function tellAwaited({ clock, read, tell }: Telling): { end(): Promise<void> } {
  const over = new AbortController()
  let told: string | null = null
  let writing: Promise<unknown> = Promise.resolve()
  const write = (awaited: string | null) => {
    writing = quietly(async () => {
      await tell(awaited)
      told = awaited
    })
    return writing
  }
  const look = async () => {
    const awaited = await quietly(async () => ({ now: await read() }))
    if (!over.signal.aborted && awaited !== null && awaited.now !== told) await write(awaited.now)
  }
  const run = async () => {
    await clock.sleep(everyMs, over.signal)
    while (!over.signal.aborted) {
      await look()
      await clock.sleep(everyMs, over.signal)
    }
  }
  void run()
  return {
    async end() {
      over.abort()
      await writing
      if (told !== null) await write(null)
    },
  }
}
