import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keptFolder } from '../support/cache.ts'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/**
 * The folder of Kafka's jars: fetched by Maven once and kept below `cache` by what `pom.xml` pins. Throws when there is no
 * Maven, or when it fails.
 */
export function kafkaLibraries(cache: string): Promise<string> {
  const pinned = createHash('sha256').update(readFileSync(pom)).update(copy).digest('hex').slice(0, 16)
  return keptFolder(join(cache, 'kafka', pinned), (scratch) => {
    const jars = join(scratch, 'jars')
    const args = ['--batch-mode', '--quiet', '--file', pom, copy, `-DoutputDirectory=${jars}`]
    // What Maven says goes to stderr: stdout is for the addresses.
    execFileSync('mvn', args, { stdio: ['ignore', 2, 2] })
    return jars
  })
}
