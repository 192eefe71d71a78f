import { isIP } from 'node:net'
import { delimiter, join, resolve } from 'node:path'

/** What the environment may set (SPEC section 7), read once at the start and passed in. */
export type Config = {
  readonly port: number
  readonly host: string
  /** The data folder, absolute. */
  readonly home: string
  /** Presets the first admin key; null: one is made and kept in `home`. */
  readonly adminKey: string | null
  /** Encrypts values at rest; null: one is made and kept beside the admin key. */
  readonly secretKey: string | null
  /** A second key that opens what it sealed, while keys are changed. */
  readonly otherSecretKey: string | null
  /** The platform version of tenants that name none. */
  readonly platformVersion: string | null
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null
  /** Null: the practice cluster. */
  readonly kubeconfig: string | null
  /** Null: the current context of the kubeconfig. */
  readonly kubeContext: string | null
  readonly kafkaBrokers: readonly string[]
  readonly helmBin: string | null
  readonly oidc: { readonly issuer: string; readonly audience: string } | null
  /** The name in Host headers besides loopback. */
  readonly publicHost: string | null
  /** Folders, absolute, that folder chart sources must lie below. */
  readonly chartFolders: readonly string[]
  /** Host names, addresses or address ranges that webhooks may reach although they are private. */
  readonly webhookAllow: readonly string[]
  readonly metricsOpen: boolean
  readonly logLevel: LogLevel
  /** How long a worker holds a subject without renewing; how long a crash goes unnoticed. For tests and tuning. */
  readonly leaseSeconds: number
  /** What one caller may send in a second (SECURITY.md: 50); null: no limit, for tests and figures. */
  readonly requestsPerSecond: number | null
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** One setting that is wrong: a line that names it and never repeats a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The environment as `process.env` has it. An empty variable counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The configuration, frozen. Relative paths start at `checkout`.
 * Throws `ConfigError` for the first wrong setting.
 */
export function readConfig(env: Environment, checkout: string): Config {
  const read = reader(env)
  const path = (text: string) => resolve(checkout, text)
  const home = path(read('FLOTILLA_HOME', text) ?? '.flotilla')
  const paths = (text: string) => text.split(delimiter).filter(Boolean).map(path).join(delimiter)
  return deepFreeze({
    port: read('PORT', port) ?? 8084,
    host: read('HOST', hostName) ?? '127.0.0.1',
    home,
    adminKey: read('FLOTILLA_ADMIN_KEY', longSecret),
    secretKey: read('FLOTILLA_SECRET_KEY', longSecret),
    otherSecretKey: read('FLOTILLA_OTHER_SECRET_KEY', longSecret),
    platformVersion: read('PLATFORM_VERSION', version),
    databaseUrl: read('DATABASE_URL', postgresUrl),
    kubeconfig: otherThan(practiceKubeconfig(home), mapped(read('KUBECONFIG', text), paths)),
    kubeContext: read('KUBE_CONTEXT', text),
    kafkaBrokers: read('KAFKA_BROKERS', list(hostAndPort)) ?? [],
    helmBin: mapped(read('HELM_BIN', text), path),
    oidc: oidc(read('OIDC_ISSUER', httpsUrl), read('OIDC_AUDIENCE', text)),
    publicHost: read('PUBLIC_HOST', hostName),
    chartFolders: (read('CHART_FOLDERS', list(text, delimiter)) ?? []).map(path),
    webhookAllow: read('WEBHOOK_ALLOW', list(hostOrRange)) ?? [],
    metricsOpen: read('METRICS_OPEN', truth) ?? false,
    logLevel: read('LOG_LEVEL', oneOf(logLevels)) ?? 'info',
    leaseSeconds: read('LEASE_SECONDS', leaseLength) ?? 15,
    requestsPerSecond: (read('REQUESTS_PER_SECOND', rate) ?? 50) || null,
  })
}

/** Where the practice cluster writes its kubeconfig. */
export const practiceKubeconfig = (home: string): string => join(home, 'practice-cluster', 'kubeconfig')

/** A shell that was told to use the practice cluster's kubeconfig still wants the practice cluster started. */
const otherThan = (own: string, given: string | null): string | null => (given === own ? null : given)

/** Reads the text of a variable; what it throws is what the text must be. */
type Reader<T> = (text: string) => T

function reader(env: Environment) {
  return <T>(name: string, as: Reader<T>): T | null => {
    const value = env[name]?.trim()
    if (value === undefined || value === '') return null
    try {
      return as(value)
    } catch (error) {
      throw new ConfigError(`${name} ${error instanceof Error ? error.message : 'is wrong'}`)
    }
  }
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}

const text: Reader<string> = (value) => value

const port: Reader<number> = (value) => {
  must(/^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535, 'must be a port number from 0 to 65535')
  return Number(value)
}

const leaseLength: Reader<number> = (value) => {
  must(
    /^[0-9]{1,3}$/.test(value) && Number(value) >= 2 && Number(value) <= 300,
    'must be a number of seconds from 2 to 300',
  )
  return Number(value)
}

const rate: Reader<number> = (value) => {
  must(/^[0-9]{1,5}$/.test(value), 'must be a number from 0 to 99999, 0 for no limit')
  return Number(value)
}

const hostName: Reader<string> = (value) => {
  must(/^[A-Za-z0-9.:[\]-]{1,253}$/.test(value) && !value.includes('//'), 'must be a host name or an address')
  return value
}

const hostAndPort: Reader<string> = (value) => {
  must(/^[A-Za-z0-9.[\]:-]+:[0-9]{1,5}$/.test(value), 'must be host:port, several separated by commas')
  return value
}

const hostOrRange: Reader<string> = (value) => {
  const wrong = 'must be host names, addresses or ranges such as 10.1.0.0/16, separated by commas'
  const [host = '', bits, ...more] = value.split('/')
  const family = isIP(host)
  const isName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host) && !/^[0-9.]+$/.test(host)
  must(more.length === 0 && (family !== 0 || (isName && bits === undefined)), wrong)
  must(bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)), wrong)
  return value
}

const longSecret: Reader<string> = (value) => {
  must(value.length >= 32, 'must have at least 32 characters')
  must(/^[\x21-\x7e]+$/.test(value), 'must be visible ASCII characters without spaces')
  return value
}

const version: Reader<string> = (value) => {
  must(/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(value), 'must be a version like 1.2.3')
  return value
}

const postgresUrl: Reader<string> = (value) => {
  must(
    URL.canParse(value) && ['postgres:', 'postgresql:'].includes(new URL(value).protocol),
    'must be a URL that begins with postgres://',
  )
  return value
}

const httpsUrl: Reader<string> = (value) => {
  must(URL.canParse(value) && ['https:', 'http:'].includes(new URL(value).protocol), 'must be an https:// URL')
  const { protocol, hostname } = new URL(value)
  must(protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname), 'must be an https:// URL')
  return value
}

const truth: Reader<boolean> = (value) => {
  must(['true', 'false', '1', '0'].includes(value), 'must be true or false')
  return value === 'true' || value === '1'
}

function oneOf<T extends string>(values: readonly T[]): Reader<T> {
  return (value) => {
    const found = values.find((each) => each === value)
    if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`)
    return found
  }
}

function list<T>(item: Reader<T>, separator = ','): Reader<readonly T[]> {
  return (value) =>
    value
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(item)
}

function oidc(issuer: string | null, audience: string | null): Config['oidc'] {
  if (issuer === null && audience === null) return null
  if (issuer === null) throw new ConfigError('OIDC_ISSUER must be set when OIDC_AUDIENCE is')
  if (audience === null) throw new ConfigError('OIDC_AUDIENCE must be set when OIDC_ISSUER is')
  return { issuer, audience }
}

function mapped<T, U>(value: T | null, map: (value: T) => U): U | null {
  return value === null ? null : map(value)
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}
