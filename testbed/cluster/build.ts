import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { keptFolder } from '../support/cache.ts'
import { findGo, type Go } from './go.ts'
import { type GoModule, keyOf, modules } from './modules.ts'

/** Where each program of the real cluster lies, by its name. */
export type Binaries = Readonly<Record<string, string>>

/**
 * The programs of a real cluster, built from their Go modules where `cache` does not hold them for the versions that
 * are pinned: some minutes the first time, nothing later. `say` gets a line a module that is built.
 * @throws GoMissingError when something has to be built and there is no Go.
 */
export async function builtBinaries(cache: string, say: (line: string) => void): Promise<Binaries> {
  const found: Record<string, string> = {}
  for (const module of modules) {
    const folder = await build(module, cache, say)
    for (const name of Object.keys(module.commands)) found[name] = join(folder, name)
  }
  return found
}

/** The folder with the binaries of a module. */
async function build(module: GoModule, cache: string, say: (line: string) => void): Promise<string> {
  return keptFolder(join(cache, `${module.name}-${keyOf(module)}`), async (scratch) => {
    const go = findGo(cache)
    const since = performance.now()
    say(`building ${module.name} from its Go modules…`)
    const made = join(scratch, 'bin')
    mkdirSync(made)
    for (const [name, command] of Object.entries(module.commands)) await compile(go, module, command, join(made, name))
    say(`built ${module.name} in ${Math.round((performance.now() - since) / 1000)} s`)
    return made
  })
}

/** In the background of the machine, and on two cores at most: whoever builds does something else meanwhile. */
async function compile(go: Go, module: GoModule, command: string, target: string): Promise<void> {
  const flags = ['-p', '2', '-trimpath', '-buildvcs=false', '-mod=readonly']
  const linker = ['-ldflags', ['-s', '-w', ...module.linkerFlags].join(' ')]
  const args = ['--pdeathsig', 'TERM', 'nice', '-n', '10', go.file, 'build', ...flags, ...linker, '-o', target, command]
  const child = spawn('setpriv', args, { cwd: module.folder, env: go.env, stdio: ['ignore', 'ignore', 'pipe'] })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${command} does not build:\n${Buffer.concat(errors).toString().slice(-4000)}`)
}
