import type { EventRow, ReleaseRow } from '../database-reader.ts'

/** Per release (and batch) the events are complete and in order: no gap, and one operation told after the other. */
export function proveEvents(events: readonly EventRow[], releases: readonly ReleaseRow[]): readonly string[] {
  const bySubject = Map.groupBy(events, ({ subject_kind, subject_id }) => `${subject_kind} ${subject_id}`)
  const stories = [...bySubject].flatMap(([subject, told]) => [
    ...proveNumbers(subject, told),
    ...proveStory(subject, told),
  ])
  const counts = releases
    .filter(({ id, seq }) => Number(seq) !== (bySubject.get(`release ${id}`)?.length ?? 0))
    .map(({ id, seq }) => `release ${id} counts ${seq} events and has ${bySubject.get(`release ${id}`)?.length ?? 0}`)
  return [...stories, ...counts]
}

function proveNumbers(subject: string, told: readonly EventRow[]): readonly string[] {
  return told
    .filter(({ seq }, n) => Number(seq) !== n + 1)
    .slice(0, 1)
    .map(({ seq }) => `${subject}: event ${seq} follows a gap`)
}

/** requested, then started at most once, then whatever, then one end; only then the next operation. */
function proveStory(subject: string, told: readonly EventRow[]): readonly string[] {
  const wrong: string[] = []
  let open: string | null = null
  for (const { operation, type, seq } of told) {
    const word = type.split('.').at(-1) ?? ''
    const where = `${subject}: event ${seq} ${type}`
    if (operation === null) {
      // How a claimed release shows is its execution's doing, whose operation stays open for the whole of it.
      if (type === 'release.shown') continue
      if (open !== null) wrong.push(`${where} in the middle of ${open}`)
      continue
    }
    if (word === 'requested') {
      if (open !== null) wrong.push(`${where} before the end of ${open}`)
      open = operation
      continue
    }
    if (open !== operation) wrong.push(`${where} of ${operation} outside of it`)
    if (endWords.has(word)) open = null
  }
  if (open !== null) wrong.push(`${subject}: the end of ${open} is not told`)
  return wrong
}

const endWords = new Set(['succeeded', 'failed', 'cancelled', 'ended'])
