import { setTimeout as sleep } from 'node:timers/promises'

const LONGEST_MS = 30_000
const PAUSE_MS = 50

/** Asks again until the expectation holds; the last failure is thrown when it never does. */
export async function eventually<T>(expectation: () => Promise<T>): Promise<T> {
  const end = performance.now() + LONGEST_MS
  for (;;) {
    try {
      return await expectation()
    } catch (error) {
      if (performance.now() > end) throw error
      await sleep(PAUSE_MS)
    }
  }
}
