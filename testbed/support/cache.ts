import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where the testbed keeps what it has fetched and built: outside of the checkout. */
export const cacheFolder = (): string =>
  process.env.FLOTILLA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flotilla')

/**
 * Lets `fill` make what belongs in `folder`, unless that is there. It is made aside and put into place as a whole: nobody
 * ever meets half of it. `fill` gets an empty folder for its work, and returns the one in it that is to be kept.
 * @throws what `fill` throws; then nothing is kept.
 */
export async function keptFolder(folder: string, fill: (scratch: string) => string | Promise<string>): Promise<string> {
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const scratch = mkdtempSync(`${folder}.`)
  try {
    const made = await fill(scratch)
    // Another process may have been quicker: what it made is the same.
    if (!existsSync(folder)) renameSync(made, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return folder
}
