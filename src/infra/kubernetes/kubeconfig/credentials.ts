import { readFile } from 'node:fs/promises'
import type { Clock, Instant } from '../../../core/instant.ts'
import { ClusterError } from '../errors.ts'
import { type ExecCredential, runCredentialPlugin } from './exec.ts'
import type { Context, ExecEntry, Impersonation } from './model.ts'
import { providerToken } from './provider.ts'

type Certificate = { readonly cert: string; readonly key: string }
/** What proves who asks: a header, and with some plugins a client certificate. */
export type Credentials = { readonly authorization: string | null; readonly certificate?: Certificate }
export interface CredentialSource {
  current(): Promise<Credentials>
  /** The server refused the last ones. */
  forget(): void
}

const TOKEN_FILE_MS = 60_000
/** Credentials are renewed a little before they expire. */
const EARLY_MS = 10_000

/** The credentials of a context, renewed as they expire. Throws `ClusterError` with the reason `Credentials`. */
export function credentialSource(context: Context, clock: Clock): CredentialSource {
  const { user } = context
  // The order is kubectl's: a token in a file before the token beside it, plugins last.
  if (user.tokenFile !== null) return fileTokens(user.tokenFile, clock)
  if (user.token !== null) return fixed(`Bearer ${user.token}`)
  if (user.basic !== null) return fixed(`Basic ${base64(`${user.basic.username}:${user.basic.password}`)}`)
  if (user.exec !== null) return pluginCredentials(user.exec, context, clock)
  if (user.authProvider !== null) return { current: () => providerToken(context), forget() {} }
  return fixed(null)
}

/** The headers with which Flotilla acts as somebody else. */
export function impersonationHeaders(who: Impersonation | null): Record<string, string | string[]> {
  if (who === null) return {}
  const groups = who.groups ?? []
  return { 'impersonate-user': who.user, ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }) }
}

function fixed(authorization: string | null): CredentialSource {
  return { current: () => Promise.resolve({ authorization }), forget() {} }
}

function fileTokens(file: string, clock: Clock): CredentialSource {
  return renewed(clock, async () => ({ value: bearer(await readToken(file)), until: clock.now() + TOKEN_FILE_MS }))
}

function pluginCredentials(exec: ExecEntry, { cluster }: Context, clock: Clock): CredentialSource {
  return renewed(clock, async () => {
    const got: ExecCredential = await runCredentialPlugin(exec, cluster)
    const value = { ...bearer(got.token), ...(got.certificate === null ? {} : { certificate: got.certificate }) }
    return { value, until: got.expiresAt === null ? null : got.expiresAt - EARLY_MS }
  })
}

type Renewed = { readonly value: Credentials; readonly until: Instant | null }

/** Keeps what was fetched until it expires; who asks meanwhile waits for the same fetch. */
function renewed(clock: Clock, fetch: () => Promise<Renewed>): CredentialSource {
  let kept: Renewed | null = null
  let fetching: Promise<Renewed> | null = null
  const refresh = async (): Promise<Renewed> => {
    try {
      kept = await fetch()
      return kept
    } finally {
      fetching = null
    }
  }
  return {
    async current() {
      if (kept !== null && (kept.until === null || kept.until > clock.now())) return kept.value
      fetching ??= refresh()
      return (await fetching).value
    },
    forget() {
      kept = null
    },
  }
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new ClusterError({
      status: 0,
      reason: 'Credentials',
      message: `the token file ${file} cannot be read`,
      cause,
    })
  }
}

const bearer = (token: string | null): Credentials => ({ authorization: token === null ? null : `Bearer ${token}` })
const base64 = (text: string): string => Buffer.from(text).toString('base64')
