import { gzip, gzipSync } from 'fflate'

const block = 512
const encode = new TextEncoder()
const modeAndOwner = ['0000644', '0000000', '0000000', ''].join('\0')
const options = { level: 9, mtime: 0 } as const

/**
 * A `.tgz` of these files: sorted, without times and owners, compressed by a pinned library. The same content always
 * gives the same bytes, on every machine.
 */
export function packTgz(files: ReadonlyMap<string, Uint8Array>): Buffer {
  return Buffer.from(gzipSync(tarOf(files), options))
}

/** The same bytes, compressed in a thread of its own: for files whose size others choose. */
export async function packTgzAside(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const packed = Promise.withResolvers<Uint8Array>()
  gzip(tarOf(files), options, (error, data) => (error === null ? packed.resolve(data) : packed.reject(error)))
  return Buffer.from(await packed.promise)
}

function tarOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.concat([...sorted.flatMap(([path, content]) => entry(path, content)), Buffer.alloc(2 * block)])
}

function entry(path: string, content: Uint8Array): readonly Uint8Array[] {
  const plain = path.length <= 100 && /^[\x20-\x7e]*$/.test(path)
  if (plain) return record(path, '0', content)
  return [...record('pax', 'x', paxPath(path)), ...record('long', '0', content)]
}

function record(name: string, type: string, content: Uint8Array): readonly Uint8Array[] {
  const padding = Buffer.alloc((block - (content.length % block)) % block)
  return [header(name, type, content.length), content, padding]
}

function header(name: string, type: string, size: number): Buffer {
  const bytes = Buffer.alloc(block)
  bytes.write(name, 0, 100, 'latin1')
  bytes.write(modeAndOwner, 100, 'latin1')
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  bytes.write('00000000000\0', 136, 'latin1')
  bytes.write(' '.repeat(8), 148, 'latin1')
  bytes.write(type, 156, 'latin1')
  bytes.write('ustar\u000000', 257, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

/** `LENGTH path=PATH\n`, where LENGTH counts its own digits too. */
function paxPath(path: string): Uint8Array {
  const rest = ` path=${path}\n`
  const bytes = encode.encode(rest).length
  const length = [1, 2, 3, 4, 5].map((digits) => bytes + digits).find((n) => String(n).length === n - bytes)
  return encode.encode(`${length}${rest}`)
}
