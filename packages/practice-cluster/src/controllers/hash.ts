import { createHash } from 'node:crypto'

/** Letters that make no words, as the names that Kubernetes generates. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** A short name for a value, the same for equal values whatever the order of their keys; `salt` makes another one. */
export function hashOf(value: unknown, salt = 0): string {
  const digest = createHash('sha256')
    .update(canonical(value))
    .update(String(salt || ''))
    .digest()
  return [...digest.subarray(0, 10)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const known = Object.entries(value).filter(([, each]) => each !== undefined)
  const sorted = known.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}
