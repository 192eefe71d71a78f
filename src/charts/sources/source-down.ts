import { Problem } from '../../core/problems.ts'

/**
 * A source that cannot be used, by its name, in words that hold nothing of what it answered but its status. What is a
 * `Problem` already stays one.
 */
export function sourceDown(name: string, error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('unavailable', `the chart source ${name} cannot be used: ${reasonOf(error)}`, {
    extra: { source: name },
  })
}

/** What a method of a source throws, as a `Problem` that names the source. */
export async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw sourceDown(name, error)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it does not answer'
  if (error.name === 'TimeoutError') return 'it did not answer in time'
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return error.message
  const words = reasons.find(([pattern]) => pattern.test(code))?.[1]
  return words === undefined ? code : `${words} (${code})`
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'it refuses connections'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its host is not known'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_.*)$/, 'it broke off its answer'],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/, 'it cannot be reached'],
  [/CERT|^ERR_TLS|^ERR_SSL|SELF_SIGNED|^UNABLE_TO_/, 'its certificate is not one that can be trusted'],
]
