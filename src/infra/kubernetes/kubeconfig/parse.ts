import { resolve } from 'node:path'
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import { type ClusterEntry, type ExecEntry, KubeconfigError, type Material, type UserEntry } from './model.ts'

/** Reads one entry of `clusters`. Relative file names are taken from the kubeconfig's folder. */
export function parseCluster(entry: JsonObject, folder: string, name: string): ClusterEntry {
  return {
    server: parseUrl(text(entry.server), `cluster ${name}: server`),
    ca: material(entry, 'certificate-authority', folder),
    skipVerify: entry['insecure-skip-tls-verify'] === true,
    serverName: text(entry['tls-server-name']),
    proxy: entry['proxy-url'] === undefined ? null : parseUrl(text(entry['proxy-url']), `cluster ${name}: proxy-url`),
  }
}

/** Reads one entry of `users`. */
export function parseUser(entry: JsonObject, folder: string): UserEntry {
  const cert = material(entry, 'client-certificate', folder)
  const key = material(entry, 'client-key', folder)
  const username = text(entry.username)
  const file = text(entry.tokenFile) ?? text(entry['token-file'])
  return {
    token: text(entry.token),
    tokenFile: file === null ? null : resolve(folder, file),
    basic: username === null ? null : { username, password: text(entry.password) ?? '' },
    certificate: cert === null || key === null ? null : { cert, key },
    exec: isJsonObject(entry.exec) ? parseExec(entry.exec, folder) : null,
    impersonate: parseImpersonation(entry),
    authProvider: parseProvider(entry['auth-provider']),
  }
}

function parseExec(entry: JsonObject, folder: string): ExecEntry {
  const command = text(entry.command)
  if (command === null) throw new KubeconfigError('exec: a command is missing')
  const variables = list(entry.env).filter(isJsonObject)
  return {
    apiVersion: text(entry.apiVersion) ?? 'client.authentication.k8s.io/v1',
    // A bare name is looked up on the PATH, a path with a slash from the kubeconfig's folder.
    command: command.includes('/') ? resolve(folder, command) : command,
    args: list(entry.args).map(String),
    env: Object.fromEntries(variables.map(({ name, value }) => [String(name), String(value ?? '')])),
    provideClusterInfo: entry.provideClusterInfo === true,
  }
}

function parseImpersonation(entry: JsonObject): UserEntry['impersonate'] {
  const user = text(entry.as)
  return user === null ? null : { user, groups: list(entry['as-groups']).map(String) }
}

function parseProvider(entry: Json | undefined): UserEntry['authProvider'] {
  if (!isJsonObject(entry)) return null
  return { name: text(entry.name) ?? '', config: isJsonObject(entry.config) ? entry.config : {} }
}

function material(entry: JsonObject, key: string, folder: string): Material | null {
  const data = text(entry[`${key}-data`])
  if (data !== null) return { pem: Buffer.from(data, 'base64').toString('utf8') }
  const file = text(entry[key])
  return file === null ? null : { file: resolve(folder, file) }
}

function parseUrl(value: string | null, what: string): URL {
  if (value !== null && URL.canParse(value)) return new URL(value)
  throw new KubeconfigError(`${what} is not a URL`)
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' && value !== '' ? value : null)
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
