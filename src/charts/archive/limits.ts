import { invalidChart } from './faults.ts'

const MiB = 1024 * 1024

/** What a chart may cost (SECURITY.md, "Charts, values, sources"). Packed charts inside it count too. */
export const chartLimits = {
  packedBytes: 10 * MiB,
  unpackedBytes: 100 * MiB,
  fileBytes: 5 * MiB,
  files: 10_000,
  subchartDepth: 8,
} as const

/** A file of a chart has more than it may. */
export const fileTooLarge = (path: string) => invalidChart('file_too_large', `${path}: a file may have at most 5 MiB`)

/** A packaged chart has more than it may. `which` names it where that is not clear. */
export const packedTooLarge = (which?: string) =>
  invalidChart('packed_too_large', `${which === undefined ? '' : `${which}: `}a packaged chart may have at most 10 MiB`)

/** What one chart has used so far, with everything packed inside it: a bomb is counted while it opens. */
export class Budget {
  #files = 0
  #bytes = 0

  /** Unpacked bytes that may still come. */
  get left(): number {
    return chartLimits.unpackedBytes - this.#bytes
  }

  /** Counts one file. Throws `chart_invalid` once a limit is passed. */
  spend(path: string, bytes: number): void {
    if (bytes > chartLimits.fileBytes) throw fileTooLarge(path)
    this.#files += 1
    this.#bytes += bytes
    if (this.#files > chartLimits.files) throw invalidChart('too_many_files', 'a chart may have at most 10,000 files')
    if (this.left < 0) throw invalidChart('unpacked_too_large', 'a chart may have at most 100 MiB unpacked')
  }
}
