import { ConfigError } from '../config.ts'

/**
 * Runs a part of the start that depends on settings: what it throws names them in one line (SPEC section 7), with the
 * first line of the reason. `names` are those that were given; without any the error is no matter of settings.
 */
export async function dependsOn<T>(names: readonly (string | false)[], part: () => T | Promise<T>): Promise<T> {
  try {
    return await part()
  } catch (error) {
    const given = names.filter((name) => name !== false)
    if (given.length === 0 || error instanceof ConfigError) throw error
    throw new ConfigError(`${given.join(', ')}: ${reasonOf(error)}`)
  }
}

/** An aggregate of failed connections has no message of its own. */
function reasonOf(error: unknown): string {
  const { message = '', code = '' } = error as { message?: string; code?: string }
  return (message.split('\n')[0] || code || 'it does not work').slice(0, 300)
}
