import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, keptFolder } from './support/cache.ts'

/** The registry of the distribution project, as Debian packages it. */
const debianPackage = 'docker-registry'

/**
 * Prints the path of the registry, for `OCI_REGISTRY_BIN`. Its Debian package, which apt checks, is fetched once and
 * unpacked outside of the checkout; nothing is installed.
 */
async function main(): Promise<void> {
  const folder = await keptFolder(join(cacheFolder(), debianPackage), unpacked)
  console.log(join(folder, 'usr', 'bin', debianPackage))
}

function unpacked(scratch: string): string {
  download(scratch)
  const [archive = ''] = readdirSync(scratch)
  run('dpkg-deb', ['--extract', archive, 'unpacked'], scratch)
  return join(scratch, 'unpacked')
}

/** A machine that has never asked for the list of packages asks for it first. */
function download(folder: string): void {
  try {
    run('apt-get', ['download', '--quiet', debianPackage], folder)
  } catch {
    run('apt-get', ['update', '--quiet'], folder)
    run('apt-get', ['download', '--quiet', debianPackage], folder)
  }
}

/** What it says goes to stderr: stdout is for the path. */
const run = (command: string, args: readonly string[], cwd: string): Buffer =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 2, 2] })

await main()
