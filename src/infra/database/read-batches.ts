/** Reads the values of many keys at once. A key without a value is not in the result. */
export type ReadMany<K, V> = (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>

type Batch<K, V> = { readonly keys: Set<K>; asked: number; readonly values: Promise<ReadonlyMap<K, V>> }

/** After so long a batch no longer holds back the next one. */
const patienceMs = 50

/**
 * The value of a key as it is when this is called or later; undefined when it has none. Throws what reading it throws.
 */
export type Read<K, V> = (key: K) => Promise<V | undefined>

/**
 * Gathers single reads into batches, one under way at a time: what is asked for while one runs is read together by the
 * next. So a value is never older than its question, and the busier the process, the fewer queries serve it.
 *
 * A batch that fails fails its own callers and nobody else; one that hangs holds back the others for 50 ms only.
 */
export function inBatches<K, V>(readMany: ReadMany<K, V>): Read<K, V> {
  let gathering: Batch<K, V> | null = null
  /** Settles when the batch under way has ended, or has taken too long. */
  let turn: Promise<void> = Promise.resolve()

  const begin = async (batch: Batch<K, V>): Promise<ReadonlyMap<K, V>> => {
    await allArrived(batch)
    gathering = null
    const values = readMany([...batch.keys])
    turn = endedOrLate(values)
    return values
  }
  const gather = (): Batch<K, V> => {
    const batch: Batch<K, V> = { keys: new Set(), asked: 0, values: turn.then(() => begin(batch)) }
    return batch
  }
  return (key) => {
    gathering ??= gather()
    const { keys, values } = gathering
    keys.add(key)
    gathering.asked++
    return values.then((found) => found.get(key))
  }
}

/** How many turns of the event loop a batch waits at most, however many questions each of them brings. */
const mostTurns = 16

/** Waits until a turn of the event loop brings no further question: what has arrived already is read together. */
async function allArrived(batch: { readonly asked: number }): Promise<void> {
  for (let turn = 0, before = -1; turn < mostTurns && batch.asked > before; turn++) {
    before = batch.asked
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
}

function endedOrLate(values: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, patienceMs)
    const ended = () => {
      clearTimeout(late)
      resolve()
    }
    values.then(ended, ended)
  })
}
