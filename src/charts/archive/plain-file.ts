import { constants, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { invalidChart } from './faults.ts'
import { chartLimits, fileTooLarge } from './limits.ts'

/** A file of a chart. Throws `chart_invalid` for what is no plain file or too large; a link cannot be opened. */
export function readChartFile(path: string): Promise<Buffer> {
  return readPlainFile(path, { most: chartLimits.fileBytes, tooLarge: fileTooLarge }, constants.O_NOFOLLOW)
}

type Limit = { readonly most: number; readonly tooLarge: (name: string) => Error }

/**
 * A file of at most so many bytes, links followed. Throws `chart_invalid` for what is no plain file. It is opened first, which waits for nobody, and looked at then: a pipe to which nobody writes would be read without an
 * end, by one of the few threads that read files, and a large file would fill the memory.
 */
export async function readPlainFile(path: string, { most, tooLarge }: Limit, flags = 0): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw notPlain(basename(path))
    if (stat.size > most) throw tooLarge(basename(path))
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** A link, a pipe, a device, a folder in the place of a file. */
export const notPlain = (path: string) =>
  invalidChart('link', `${path}: only plain files and folders are allowed in a chart`)
