import { setTimeout as sleep } from 'node:timers/promises'

export type Patience = { readonly withinMs?: number; readonly everyMs?: number }

/**
 * Looks again and again until `probe` neither throws nor gives false, null or undefined; answers what it gave. After
 * the deadline it throws what was wrong last. The deadline is far beyond what is expected: it ends a test that hangs.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | false | null | undefined>,
  { withinMs = 30_000, everyMs = 100 }: Patience = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const last = await probe().then(
      (value) => ({ value, error: null }),
      (error: unknown) => ({ value: null, error }),
    )
    const { value, error } = last
    if (error === null && value !== false && value !== null && value !== undefined) return value
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: error })
    await sleep(everyMs)
  }
}
