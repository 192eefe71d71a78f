const uniqueViolation = '23505'

/**
 * True when a statement failed because of this unique constraint or index: a row with the same key is there. The
 * transaction can then only be given up.
 */
export function violatesUnique(error: unknown, constraint: string): boolean {
  const failure = error as { readonly code?: unknown; readonly constraint?: unknown } | null
  return failure?.code === uniqueViolation && failure.constraint === constraint
}
