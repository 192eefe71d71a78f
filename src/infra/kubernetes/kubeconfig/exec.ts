import { spawn } from 'node:child_process'
import { isJsonObject, type Json } from '../../../core/json.ts'
import { ClusterError } from '../errors.ts'
import type { ClusterEntry, ExecEntry } from './model.ts'

/** What a credential plugin gave. */
export type ExecCredential = {
  readonly token: string | null
  readonly certificate: { readonly cert: string; readonly key: string } | null
  /** Milliseconds since the epoch; null when it does not expire. */
  readonly expiresAt: number | null
}

const TIMEOUT_MS = 60_000
const MOST_BYTES = 1024 * 1024

/**
 * Runs a credential plugin (client.authentication.k8s.io) and reads what it prints. Throws `ClusterError`, which says
 * how the plugin ended and never what it printed. It has `timeoutMs` for it.
 */
export async function runCredentialPlugin(
  exec: ExecEntry,
  cluster: ClusterEntry,
  timeoutMs = TIMEOUT_MS,
): Promise<ExecCredential> {
  const output = await runPlugin(exec, cluster, timeoutMs)
  const credential = parseCredential(output)
  if (credential === null) throw pluginError(exec, 'printed no ExecCredential')
  return credential
}

/** Reads an `ExecCredential`; null when it is none, or holds neither a token nor a certificate. */
export function parseCredential(output: string): ExecCredential | null {
  const parsed = parseJson(output)
  const status = isJsonObject(parsed) && isJsonObject(parsed.status) ? parsed.status : {}
  const [token, cert, key] = [status.token, status.clientCertificateData, status.clientKeyData].map(textOf)
  const certificate = cert && key ? { cert, key } : null
  if (!token && certificate === null) return null
  const expires = Date.parse(textOf(status.expirationTimestamp) ?? '')
  return { token: token ?? null, certificate, expiresAt: Number.isNaN(expires) ? null : expires }
}

function runPlugin(exec: ExecEntry, cluster: ClusterEntry, timeoutMs: number): Promise<string> {
  const env = { ...process.env, ...exec.env, KUBERNETES_EXEC_INFO: execInfo(exec, cluster) }
  return new Promise((resolve, reject) => {
    const child = spawn(exec.command, exec.args, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    let output = ''
    const limit = setTimeout(() => {
      killGroup(child.pid)
      reject(pluginError(exec, `did not end within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < MOST_BYTES) output += chunk
    })
    child.once('error', (cause) => {
      clearTimeout(limit)
      reject(pluginError(exec, 'could not be started', cause))
    })
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      if (code === 0) resolve(output)
      else reject(pluginError(exec, `ended with ${signal ?? `exit code ${code}`}`))
    })
  })
}

/** The whole group: a plugin is often a script, and what it has started would hold its output open. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

function execInfo(exec: ExecEntry, { server, serverName, skipVerify, ca }: ClusterEntry): string {
  const pem = ca !== null && 'pem' in ca ? { 'certificate-authority-data': Buffer.from(ca.pem).toString('base64') } : {}
  const names = serverName === null ? {} : { 'tls-server-name': serverName }
  const cluster = { server: server.href, 'insecure-skip-tls-verify': skipVerify, ...names, ...pem }
  const spec = { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) }
  return JSON.stringify({ apiVersion: exec.apiVersion, kind: 'ExecCredential', spec })
}

function pluginError(exec: ExecEntry, what: string, cause?: unknown): ClusterError {
  const message = `the credential plugin ${exec.command} ${what}`
  return new ClusterError({ status: 0, reason: 'Credentials', message, cause })
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)
