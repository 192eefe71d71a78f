import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testedHelm } from '../tested-helm.ts'
import { password, user } from './realm.ts'

/** A person with the real helm and the credentials of the tests. */
export class RegistryHand implements AsyncDisposable {
  readonly #folder: string
  readonly #helm: string

  private constructor(folder: string, helm: string) {
    this.#folder = folder
    this.#helm = helm
  }

  static async open(hosts: readonly string[]): Promise<RegistryHand> {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-helm-registry-'))
    const auth = Buffer.from(`${user}:${password}`).toString('base64')
    const auths = Object.fromEntries(hosts.map((host) => [host, { auth }]))
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths }))
    return new RegistryHand(folder, (await testedHelm()).path)
  }

  /** `helm push` of an archive below `oci://PLACE`. */
  async push(archive: Buffer, place: string): Promise<void> {
    const file = join(this.#folder, 'pushed.tgz')
    await writeFile(file, archive)
    await this.#run('push', file, `oci://${place}`, '--plain-http')
  }

  /** `helm pull` of a version of `oci://CHART`: the archive that helm wrote. */
  async pull(chart: string, version: string): Promise<Buffer> {
    const into = join(this.#folder, 'pulled')
    await rm(into, { recursive: true, force: true })
    await mkdir(into)
    await this.#run('pull', `oci://${chart}`, '--version', version, '--plain-http', '--destination', into)
    const [file = ''] = await readdir(into)
    return readFile(join(into, file))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #run(...args: readonly string[]): Promise<void> {
    const env = {
      HOME: this.#folder,
      HELM_REGISTRY_CONFIG: join(this.#folder, 'config.json'),
      HELM_CACHE_HOME: join(this.#folder, 'cache'),
      HELM_CONFIG_HOME: join(this.#folder, 'config'),
      HELM_DATA_HOME: join(this.#folder, 'data'),
    }
    await promisify(execFile)(this.#helm, args, { env, timeout: 60_000 })
  }
}
