/** How long something is left alone after a failure, at first and at most, in milliseconds. */
export type Pauses = { readonly firstMs: number; readonly longestMs: number }

/** The pause after so many failures in a row, at least one: each is twice the one before, up to the longest. */
export function pauseAfter({ firstMs, longestMs }: Pauses, failures: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), longestMs)
}
