/** The value with some fields changed; the very same value when nothing differs, so that only what changed is saved. */
export function patch<T extends object>(value: T, change: Partial<T>): T {
  for (const key of Object.keys(change) as (keyof T)[]) {
    if (!Object.is(value[key], change[key])) return { ...value, ...change }
  }
  return value
}

/** The items, each as `update` makes it; the very same array when none became another. */
export function mapChanged<T>(items: readonly T[], update: (item: T) => T): readonly T[] {
  let changed: T[] | null = null
  for (const [at, item] of items.entries()) {
    const next = update(item)
    if (next !== item) {
      changed ??= [...items]
      changed[at] = next
    }
  }
  return changed ?? items
}
