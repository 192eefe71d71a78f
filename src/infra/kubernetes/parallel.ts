/** Maps with at most `limit` running at once; the order is kept. The first rejection ends it, and starts no more. */
export async function mapParallel<A, B>(
  items: readonly A[],
  limit: number,
  map: (item: A) => Promise<B>,
): Promise<readonly B[]> {
  const results: B[] = new Array(items.length)
  const queue = items.entries()
  let failed = false
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results[index] = await map(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  return results
}
