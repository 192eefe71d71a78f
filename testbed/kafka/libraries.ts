import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/**
 * The folder of Kafka's jars: fetched by Maven once and kept below `cache` by what `pom.xml` pins. Nobody ever meets half
 * of them. Throws when there is no Maven, or when it fails.
 */
export function kafkaLibraries(cache: string): string {
  const pinned = createHash('sha256').update(readFileSync(pom)).update(copy).digest('hex').slice(0, 16)
  const folder = join(cache, 'kafka', pinned)
  if (!existsSync(folder)) fetch(join(cache, 'kafka'), folder)
  return folder
}

function fetch(cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(cache, 'fetch-'))
  try {
    const args = ['--batch-mode', '--quiet', '--file', pom, copy, `-DoutputDirectory=${join(scratch, 'jars')}`]
    // What Maven says goes to stderr: stdout is for the addresses.
    execFileSync('mvn', args, { stdio: ['ignore', 2, 2] })
    if (!existsSync(folder)) renameSync(join(scratch, 'jars'), folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
