import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The Go that builds; an older one that can fetch toolchains brings this one by itself. */
const TOOLCHAIN = 'go1.26.0'

/** From this version on Go fetches the toolchain that a module asks for. */
const FETCHES_TOOLCHAINS = { major: 1, minor: 21 }

const usualPlaces = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'] as const

/** How to run Go, and with which environment. */
export type Go = { readonly file: string; readonly env: NodeJS.ProcessEnv }

/** No Go on this machine; the message is one line that says how to get it. */
export class GoMissingError extends Error {
  constructor() {
    super('Go is needed to build the real cluster: apt-get install golang-go, or unpack any Go and add its bin to PATH')
  }
}

/**
 * Go as it is installed, or, where it is too old to fetch what it needs (Debian 12), a newer one from Go's own module
 * proxy, unpacked once into `cache`.
 * @throws GoMissingError when there is none.
 */
export function findGo(cache: string, places: readonly string[] = usualPlaces): Go {
  const env: NodeJS.ProcessEnv = { ...process.env, GOTOOLCHAIN: 'auto', GOFLAGS: '', CGO_ENABLED: '0', GOWORK: 'off' }
  const installed = places.find((file) => versionOf(file) !== null)
  if (installed === undefined) throw new GoMissingError()
  if (!isTooOld(versionOf(installed) ?? '')) return { file: installed, env }
  const root = join(cache, `${TOOLCHAIN}.${platform()}`)
  if (!existsSync(root)) fetchToolchain(installed, root, env)
  return { file: join(root, 'bin', 'go'), env: { ...env, GOROOT: root } }
}

/** `go1.26.8`, or null when there is no such Go. */
function versionOf(file: string): string | null {
  const { status, stdout } = spawnSync(file, ['version'], { encoding: 'utf8' })
  return status === 0 ? (/go\d+\.\d+\S*/.exec(stdout)?.[0] ?? null) : null
}

/** Whether a Go neither is new enough nor fetches one that is. */
export function isTooOld(version: string): boolean {
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? []
  const { major: wanted, minor: least } = FETCHES_TOOLCHAINS
  return Number(major) < wanted || (Number(major) === wanted && Number(minor) < least)
}

const platform = (): string => `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`

/** A toolchain is a Go module too: an old Go downloads it like any other, but leaves it read-only and not executable. */
function fetchToolchain(file: string, root: string, env: NodeJS.ProcessEnv): void {
  const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN}.${platform()}`
  const { status, stdout, stderr } = spawnSync(file, ['mod', 'download', '-json', module], { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${module} cannot be fetched: ${stderr || stdout}`)
  const draft = mkdtempSync(`${root}.`)
  try {
    cpSync((JSON.parse(stdout) as { Dir: string }).Dir, draft, { recursive: true })
    for (const folder of ['bin', join('pkg', 'tool', platform().replace('-', '_'))]) makeExecutable(join(draft, folder))
    renameSync(draft, root)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function makeExecutable(folder: string): void {
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755)
}
