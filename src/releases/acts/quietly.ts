/** What was read, or null where that failed: what is told beside an act must not hide or hinder it. */
export async function quietly<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch {
    return null
  }
}
