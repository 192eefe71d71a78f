import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The registry of the distribution project, as Debian packages it. */
const debianPackage = 'docker-registry'

/**
 * Prints the path of the registry, for `OCI_REGISTRY_BIN`. Its Debian package, which apt checks, is fetched once and
 * unpacked outside of the checkout; nothing is installed.
 */
function main(): void {
  const cache = process.env.FLOTILLA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flotilla')
  const folder = join(cache, debianPackage)
  if (!existsSync(folder)) unpack(cache, folder)
  console.log(join(folder, 'usr', 'bin', debianPackage))
}

/** Unpacked aside and put into place: nobody ever meets half a package. */
function unpack(cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(cache, 'fetch-'))
  try {
    download(scratch)
    const [archive = ''] = readdirSync(scratch)
    run('dpkg-deb', ['--extract', archive, 'unpacked'], scratch)
    renameSync(join(scratch, 'unpacked'), folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
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

main()
