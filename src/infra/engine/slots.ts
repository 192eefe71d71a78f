import type { SubjectKind } from '../../core/subject.ts'
import { unbounded } from './shares.ts'

/** Slots that some kinds have together: at most `size` subjects of them at once, and `mostOfShare` of one share. */
export type Pool = { readonly kinds: readonly SubjectKind[]; readonly size: number; readonly mostOfShare: number }

export type Concurrency = { readonly concurrency: number; readonly mostOfShare: number }

export type Limits = Partial<Readonly<Record<SubjectKind, number>>>

/** Each kind with a limit has slots of its own, as many for any share; the others have `concurrency` together. */
export function poolsOf(
  kinds: readonly SubjectKind[],
  { concurrency, mostOfShare }: Concurrency,
  limits: Limits,
): readonly Pool[] {
  const shared = kinds.filter((kind) => limits[kind] === undefined)
  const own = kinds.flatMap((kind) => {
    const size = limits[kind]
    return size === undefined ? [] : [{ kinds: [kind], size, mostOfShare: unbounded }]
  })
  return [...(shared.length > 0 ? [{ kinds: shared, size: concurrency, mostOfShare }] : []), ...own]
}

/** How many more subjects of a pool may be taken. */
export function freeSlots(pool: Pool, held: Iterable<SubjectKind>): number {
  let used = 0
  for (const kind of held) if (pool.kinds.includes(kind)) used++
  return pool.size - used
}
