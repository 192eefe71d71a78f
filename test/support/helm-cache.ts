import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where tests unpack helm, once for all runs of a user: another user's folder cannot be written to. */
export const helmCache = join(tmpdir(), `flotilla-helm-cache-${process.getuid?.() ?? 'any'}`)
