import type { SubjectKind } from '../../core/subject.ts'

/** Slots that some kinds share: at most `size` subjects of them are worked on at once. */
export type Pool = { readonly kinds: readonly SubjectKind[]; readonly size: number }

export type Limits = Partial<Readonly<Record<SubjectKind, number>>>

/** Each kind with a limit has slots of its own; the others share `concurrency`. */
export function poolsOf(kinds: readonly SubjectKind[], concurrency: number, limits: Limits): readonly Pool[] {
  const shared = kinds.filter((kind) => limits[kind] === undefined)
  const own = kinds.flatMap((kind) => {
    const size = limits[kind]
    return size === undefined ? [] : [{ kinds: [kind], size }]
  })
  return [...(shared.length > 0 ? [{ kinds: shared, size: concurrency }] : []), ...own]
}

/** How many more subjects of a pool may be taken. */
export function freeSlots(pool: Pool, held: Iterable<SubjectKind>): number {
  let used = 0
  for (const kind of held) if (pool.kinds.includes(kind)) used++
  return pool.size - used
}
