import { type FileHandle, open } from 'node:fs/promises'

/** Where the deflated bytes of an entry lie in its archive; `end` is inclusive, as streams take it. */
export type ZipEntry = { readonly start: number; readonly end: number }

const signatures = { end: 0x06054b50, central: 0x02014b50, local: 0x04034b50 } as const
const deflated = 8

/** Finds one deflated entry by name (no zip64). Throws when it is missing or stored in another way. */
export async function findZipEntry(path: string, name: string): Promise<ZipEntry> {
  const file = await open(path, 'r')
  try {
    const header = findHeader(await readDirectory(file), name)
    const local = await readAt(file, header.offset, 30)
    if (local.readUInt32LE(0) !== signatures.local) throw new Error(`${path}: damaged at ${name}`)
    const start = header.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
    return { start, end: start + header.packedSize - 1 }
  } finally {
    await file.close()
  }
}

async function readDirectory(file: FileHandle): Promise<Buffer> {
  const { size } = await file.stat()
  const tail = await readAt(file, Math.max(0, size - 65_557), Math.min(size, 65_557))
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) === signatures.end) {
      return readAt(file, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12))
    }
  }
  throw new Error('not a zip archive')
}

function findHeader(directory: Buffer, name: string): { offset: number; packedSize: number } {
  for (let at = 0; at + 46 <= directory.length; ) {
    if (directory.readUInt32LE(at) !== signatures.central) break
    const nameLength = directory.readUInt16LE(at + 28)
    const found = directory.toString('utf8', at + 46, at + 46 + nameLength)
    if (found === name && directory.readUInt16LE(at + 10) === deflated) {
      return { offset: directory.readUInt32LE(at + 42), packedSize: directory.readUInt32LE(at + 20) }
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  throw new Error(`the archive has no deflated entry ${name}`)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
