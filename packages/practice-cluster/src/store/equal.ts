/** Whether two JSON values are the same; the order of keys does not matter, a key that is `undefined` is absent. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]))
  }
  return entriesEqual(a as Record<string, unknown>, b as Record<string, unknown>)
}

function entriesEqual(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  for (const key in a) if (!jsonEqual(a[key], b[key])) return false
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false
  return true
}
