import { constants, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { invalidChart } from './faults.ts'
import { chartLimits, fileTooLarge, packedTooLarge } from './limits.ts'

/** A file of a chart, or beside one. Throws `chart_invalid` for what is no plain file or too large. */
export function readChartFile(path: string): Promise<Buffer> {
  return read(path, chartLimits.fileBytes, fileTooLarge)
}

/** A packaged chart. Throws as `readChartFile` does. */
export function readPackedFile(path: string): Promise<Buffer> {
  return read(path, chartLimits.packedBytes, packedTooLarge)
}

/**
 * It is opened first, which waits for nobody, and looked at then: a pipe to which nobody writes would be read without an
 * end, by one of the few threads that read files, and a large file would fill the memory.
 */
async function read(path: string, most: number, tooLarge: (name: string) => Error): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
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
