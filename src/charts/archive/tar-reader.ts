import { invalidChart } from './faults.ts'
import type { Budget } from './limits.ts'
import { safePath } from './paths.ts'

/** One regular file of an archive. `content` is a view on the archive's own memory. */
export type TarFile = { readonly path: string; readonly content: Buffer }

type Header = { readonly path: string; readonly size: number; readonly type: string }

const block = 512
const broken = (what: string): Error => invalidChart('not_an_archive', `the archive is damaged: ${what}`)

/**
 * The regular files of an uncompressed tar, in its order. Throws `chart_invalid`.
 *
 * Helm reads the same bytes later with Go's reader. So this one refuses whatever two readers might take
 * differently: links, devices, sparse files, sizes in binary, unknown records, a path given twice, data behind the end.
 */
export function readTar(tar: Buffer, budget: Budget): readonly TarFile[] {
  const files: TarFile[] = []
  let longPath: string | null = null
  let at = 0
  for (;;) {
    const header = readHeader(tar, at)
    if (header === null) break
    const content = contentOf(tar, at + block, header.size)
    at += block + Math.ceil(header.size / block) * block
    const kind = kindOf(header)
    if (kind === 'extended') longPath = paxPath(content) ?? longPath
    if (kind === 'long-name') longPath = text(content, 0, content.length)
    if (kind !== 'file' && kind !== 'folder') continue
    const path = longPath ?? header.path
    longPath = null
    if (kind === 'file') files.push(oneFile(path, content, budget))
    else safePath(path.replace(/\/$/, ''))
  }
  if (tar.subarray(at).some((byte) => byte !== 0)) throw broken('data follows its end')
  return unique(files)
}

function oneFile(path: string, content: Buffer, budget: Budget): TarFile {
  budget.spend(path, content.length)
  return { path: safePath(path), content }
}

function unique(files: readonly TarFile[]): readonly TarFile[] {
  const seen = new Set<string>()
  for (const { path } of files) {
    if (seen.has(path)) throw invalidChart('duplicate_file', `${path} is in the archive twice`)
    seen.add(path)
  }
  return files
}

function kindOf(header: Header): 'file' | 'folder' | 'extended' | 'long-name' | 'comment' {
  switch (header.type) {
    case '0':
    case '\0':
      return 'file'
    case '5':
      return 'folder'
    case 'x':
      return 'extended'
    case 'L':
      return 'long-name'
    case 'g':
      return 'comment'
    case '1':
    case '2':
      throw invalidChart('link', `${header.path}: links are not allowed in a chart`)
    default:
      throw broken(`an entry of type ${JSON.stringify(header.type)}`)
  }
}

/** The header at this place, null at the end of the archive. */
function readHeader(tar: Buffer, at: number): Header | null {
  const bytes = tar.subarray(at, at + block)
  if (bytes.length < block) throw broken('its end is missing')
  if (bytes.every((byte) => byte === 0)) return null
  if (octal(bytes, 148, 8) !== checksum(bytes)) throw broken('a header does not match its checksum')
  const magic = bytes.toString('latin1', 257, 265)
  if (magic !== 'ustar\u000000' && magic !== 'ustar  \0') throw broken('it is not a ustar archive')
  const prefix = magic === 'ustar\u000000' ? text(bytes, 345, 155) : ''
  const name = text(bytes, 0, 100)
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    size: octal(bytes, 124, 12),
    type: bytes.toString('latin1', 156, 157),
  }
}

function checksum(header: Buffer): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0)
}

function octal(bytes: Buffer, at: number, length: number): number {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString('latin1', at, at + length))?.[1]
  if (digits === undefined) throw broken('a number in a header cannot be read')
  return Number.parseInt(digits, 8)
}

function contentOf(tar: Buffer, at: number, size: number): Buffer {
  if (at + size > tar.length) throw broken('a file is cut off')
  return tar.subarray(at, at + size)
}

function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  return utf8(end < 0 ? field : field.subarray(0, end))
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw broken('a name is not UTF-8')
  }
}

/** The `path` of a pax record list (`LENGTH KEY=VALUE\n`…), null when it sets none. */
function paxPath(records: Buffer): string | null {
  let path: string | null = null
  let at = 0
  while (at < records.length) {
    const length = Number(/^[1-9][0-9]{0,6}(?= )/.exec(records.toString('latin1', at, at + 8))?.[0] ?? Number.NaN)
    const record = records.subarray(at, at + length)
    if (!(record.length === length && record.at(-1) === 10)) throw broken('an extended header cannot be read')
    const [key, value] = paxRecord(record)
    if (key === 'path') path = value
    if (changesMeaning(key)) throw broken(`an extended header sets ${JSON.stringify(key)}`)
    at += length
  }
  return path
}

function paxRecord(record: Buffer): readonly [key: string, value: string] {
  const line = utf8(record.subarray(record.indexOf(32) + 1, -1))
  const equals = line.indexOf('=')
  if (equals <= 0) throw broken('an extended header cannot be read')
  return [line.slice(0, equals), line.slice(equals + 1)]
}

const changesMeaning = (key: string): boolean => key === 'size' || key === 'linkpath' || key.startsWith('GNU.sparse')
