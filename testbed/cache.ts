import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the testbed keeps what it has fetched and built: outside of the checkout. */
export const cacheFolder = (): string =>
  process.env.FLOTILLA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flotilla')
