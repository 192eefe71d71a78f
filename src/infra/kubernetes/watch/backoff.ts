const FIRST_MS = 500
/** A watch a cluster: to ask so often costs nothing, and what is missed meanwhile is seen within seconds. */
const LONGEST_MS = 10_000
/** What cannot help by trying soon: missing rights, a kind that is not served. */
const REFUSED_MS = 60_000

/** Milliseconds to wait before the next try, by the number of failures in a row (1 is the first), spread by a quarter. */
export function backoffMs(failures: number, refused: boolean, random: () => number): number {
  const steady = refused ? REFUSED_MS : Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10))
  return Math.round(steady * (0.75 + random() / 2))
}
