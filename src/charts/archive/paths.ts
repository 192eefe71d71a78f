import { invalidChart } from './faults.ts'

const hasControlCharacter = (path: string): boolean =>
  [...path].some((c) => (c.codePointAt(0) ?? 0) < 32 || c === '\u007f')

const unsafeSegment = (segment: string): boolean =>
  segment === '' || segment === '.' || segment === '..' || /^[A-Za-z]:/.test(segment)

/**
 * True for a relative path that every reader takes apart in the same way: plain segments between single slashes.
 * Helm takes `\` for a separator and `C:` for a drive, so neither may be.
 */
export function isSafePath(path: string): boolean {
  return !path.includes('\\') && !hasControlCharacter(path) && !path.split('/').some(unsafeSegment)
}

/** The path itself, or `chart_invalid`. */
export function safePath(path: string): string {
  if (!isSafePath(path))
    throw invalidChart('unsafe_path', `${JSON.stringify(path)} is not a plain path inside the chart`)
  return path
}
