import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { issuer, service, type TokenRealm, user } from './realm.ts'
import type { Auth, TestRegistry } from './registry.ts'

/** The password of `realm.ts` as bcrypt writes it, which is all that this registry reads. */
const htpasswd = `${user}:$2a$04$od9KPPw.bdT/5SvIz2rfV.rPgtPENmsr36Fu.iSXYzwLjW.HRfVw6\n`

/** The registry of the distribution project, as a process with a folder of its own. */
export async function startDistribution(binary: string, auth: Auth, realm: TokenRealm): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-registry-'))
  const file = (name: string): string => join(folder, name)
  const schemes: Record<Auth, object> = {
    none: {},
    basic: { auth: { htpasswd: { realm: 'registry', path: file('htpasswd') } } },
    token: { auth: { token: { realm: realm.url, service, issuer, rootcertbundle: file('realm.pem') } } },
  }
  await writeFile(file('htpasswd'), htpasswd)
  await writeFile(file('realm.pem'), realm.certificate)
  const storage = { filesystem: { rootdirectory: file('data') } }
  const config = { version: '0.1', log: { level: 'info' }, storage, http: { addr: '127.0.0.1:0' }, ...schemes[auth] }
  await writeFile(file('config.yml'), stringify(config))
  const child = spawn(binary, ['serve', file('config.yml')], { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
  return {
    host: await listening(child),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The host and port that it says it listens on. */
function listening(child: ChildProcess): Promise<string> {
  const said: string[] = []
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the registry did not start: ${said.join('\n')}`)))
    if (child.stderr === null) return
    createInterface(child.stderr).on('line', (line) => {
      said.push(line)
      const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
      if (host !== undefined) resolve(host)
    })
  })
}
