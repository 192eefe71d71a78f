// Makes the checkout ready to run: right platform, right packages. Plain JavaScript for any Node from 20 on, without
// dependencies, because it runs before there are any. `npm start` and `npm test` begin with it (npm runs no pre-scripts
// where install scripts are off); the `env node` that follows finds the Node that it has just installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const wanted = { major: 22, minor: 18 }

/** Why this machine cannot run Flotilla, in one line that says what to do; null when it can. */
export function platformProblem({ platform, arch, version, libc }) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  if (major < 20) return `Node ${version} is too old: Node 20 or newer is needed to set up`
  const ownNode = major > wanted.major || (major === wanted.major && minor >= wanted.minor)
  if (platform === 'linux' && arch === 'x64' && libc === 'glibc') return null
  if (platform === 'win32') return 'Windows is not supported: use Linux, or WSL'
  const bring = 'and bring your own helm (HELM_BIN) and PostgreSQL (DATABASE_URL)'
  if (ownNode) return null
  return `${platform} ${arch} (${libc}) has no packaged Node: install Node ${wanted.major}.${wanted.minor} or newer, ${bring}`
}

/** What the installed packages must fit: the lock file, and what npm does with it. */
export function lockHash(root) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const name of ['package-lock.json', '.npmrc']) {
    const path = join(root, name)
    hash.update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex')
}

/** True when `node_modules` is what `npm ci` made of the present lock file. */
export function isInstalled(root) {
  const mark = join(root, 'node_modules', '.flotilla-setup')
  return existsSync(mark) && readFileSync(mark, 'utf8').trim() === lockHash(root)
}

/** Runs `npm ci` in silence; its own words are shown only when it fails. */
function install(root) {
  process.stdout.write('Setting up: installing packages, about half a minute…\n')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, encoding: 'utf8' })
  if (npm.error !== undefined) return `npm does not run: ${npm.error.message}`
  if (npm.status !== 0) return `npm ci failed:\n${npm.stderr || npm.stdout}`
  writeFileSync(join(root, 'node_modules', '.flotilla-setup'), `${lockHash(root)}\n`)
  return null
}

function currentLibc() {
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'no glibc'
}

function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const { platform, arch, version } = process
  const problem = platformProblem({ platform, arch, version, libc: currentLibc() })
  const failure = problem ?? (isInstalled(root) ? null : install(root))
  if (failure !== null) {
    process.stderr.write(`Flotilla: ${failure}\n`)
    process.exitCode = 1
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
