import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A file system of its own that can be filled to the last byte. */
export type SmallDisk = {
  readonly folder: string
  /** Takes all the room but so many bytes. */
  fill(leave?: number): void
  /** Gives that room back. */
  free(): void
  /** Unmounts it: nobody may use it any more. */
  close(): void
}

/** Mounts one of so many megabytes, in memory, on an empty folder. Needs root. */
export function openDisk(folder: string, megabytes: number): SmallDisk {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder])
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill: (leave = 0) => fill(ballast, leave),
    free: () => rmSync(ballast, { force: true }),
    close: () => void execFileSync('umount', ['--lazy', folder]),
  }
}

const block = 4096

function fill(file: string, leave: number): void {
  const ballast = openSync(file, 'w')
  const { bavail, bsize } = statfsSync(file)
  try {
    for (let left = bavail * bsize - leave; left >= block; ) {
      left -= writeSync(ballast, Buffer.alloc(Math.min(left, 1 << 20)))
    }
  } finally {
    closeSync(ballast)
  }
}
