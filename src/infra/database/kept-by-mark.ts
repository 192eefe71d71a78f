import type { Clock } from '../../core/instant.ts'
import { Lru } from '../../core/lru.ts'
import type { ReadMany } from './read-batches.ts'

/** What is read and kept: `mark` says which version of its row it was made of. */
type Marked = { readonly mark: string }

type KeptParts<K, V> = {
  /** The marks of the keys as they are now. */
  readonly marks: ReadMany<K, string>
  /** The values as they are now, each with its mark. */
  readonly values: ReadMany<K, V>
  /** Bytes that a value takes in memory, roughly. */
  readonly weigh: (value: V) => number
  readonly clock: Pick<Clock, 'now'>
}

const keptBytes = 32 * 1024 * 1024
/**
 * A database that was restored, or whose standby took over, may give a mark a second time. That takes longer than this.
 */
const keptMs = 5_000

/**
 * Reads values, and keeps them: as long as the mark of a key in the database is the same, its value is too. Marks are
 * read on every call, so that what it answers is what a whole read would have found; they cost a fraction of it, and
 * what was made of a value, its text for instance, is made once.
 */
export function keptByMark<K extends string, V extends Marked>(parts: KeptParts<K, V>): ReadMany<K, V> {
  const kept = new Lru<{ readonly value: V; readonly at: number }>(keptBytes, ({ value }) => parts.weigh(value))
  const valid = (key: K, mark: string, now: number): V | null => {
    const entry = kept.get(key)
    const young = entry !== undefined && now >= entry.at && now - entry.at < keptMs
    return young && entry.value.mark === mark ? entry.value : null
  }
  return async (keys) => {
    const marks = await parts.marks(keys)
    const now = parts.clock.now()
    const found = new Map<K, V>()
    for (const [key, mark] of marks) {
      const value = valid(key, mark, now)
      if (value !== null) found.set(key, value)
    }
    if (found.size === marks.size) return found
    const others = [...marks.keys()].filter((key) => !found.has(key))
    for (const [key, value] of await parts.values(others)) {
      kept.set(key, { value, at: now })
      found.set(key, value)
    }
    return found
  }
}
