import { isAbsolute } from 'node:path'
import type { Clock } from '../../core/instant.ts'
import { malformed, Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Db } from '../../infra/database/types.ts'
import { type Caller, type OnDone, recordAudit } from '../../tenants/index.ts'
import type { SourceStore } from '../source-store.ts'
import { keyringOf } from '../sources/armor.ts'
import { isBelow } from '../sources/folder.ts'
import { readAddress } from '../sources/oci/address.ts'
import { cosignKeyOf } from '../sources/verify.ts'
import type { SourceCredentials, SourceRecord, SourceType, SourceVerify } from '../types.ts'

export type NewSource = {
  readonly name: string
  readonly type: SourceType
  readonly url: string
  readonly priority: number
  readonly credentials: SourceCredentials | null
  readonly authHosts: readonly string[]
  readonly verify: SourceVerify | null
}

export type ChangeSourceParts = {
  readonly db: Db
  readonly sources: SourceStore
  readonly clock: Clock
  readonly newId: () => Uuid
}

export type AddSourceParts = ChangeSourceParts & {
  /** `CHART_FOLDERS`. */
  readonly folders: readonly string[]
}

/**
 * Adds a chart source. Throws `malformed` for an address that cannot be one, `refused` for one that may not be, and
 * `conflict` when the name is taken. Whether it answers is not asked: it may be up later.
 */
export async function addSource(
  parts: AddSourceParts,
  { principal, reason }: Caller,
  source: NewSource,
  onDone: OnDone<SourceRecord>,
): Promise<SourceRecord> {
  if (source.type !== 'oci' && source.authHosts.length > 0) {
    throw malformed('/authHosts', 'only a registry has its tokens from elsewhere')
  }
  await checks[source.type](source, parts.folders)
  requireKeys(source)
  const record = { ...source, id: parts.newId(), createdAt: parts.clock.now() }
  await transaction(parts.db, async (tx) => {
    await parts.sources.add(tx, record)
    await recordAudit(tx, parts, { principal, reason, action: 'chart-source.created', subject: subjectOf(record) })
    await onDone(tx, record)
  })
  return record
}

/** What the audit log says of it: where charts came from is what matters later, when the source is gone. */
export const subjectOf = ({ name, url }: SourceRecord): string => `chart-source/${name} at ${url}`

type Check = (source: NewSource, folders: readonly string[]) => Promise<void>

const checks: Readonly<Record<SourceType, Check>> = {
  async http({ url }) {
    const parsed = URL.canParse(url) ? new URL(url) : null
    if (parsed === null || !/^https?:$/.test(parsed.protocol))
      throw malformed('/url', 'must be an http or https address')
    if (parsed.username !== '' || parsed.password !== '') throw malformed('/url', 'must not hold credentials')
    if (parsed.search !== '' || parsed.hash !== '') throw malformed('/url', 'must not have a query or a fragment')
  },
  async folder({ url, credentials }, folders) {
    if (credentials !== null) throw malformed('/credentials', 'a folder takes none')
    if (!isAbsolute(url)) throw malformed('/url', 'must be an absolute path')
    // The same words for a folder that is not there: what else lies on the server is nobody's business.
    const allowed = await isBelow(url, folders).catch(() => false)
    if (!allowed) throw new Problem('refused', 'there is no such folder below CHART_FOLDERS')
  },
  async oci({ url, authHosts }) {
    if (readAddress(url) === null) {
      throw malformed('/url', 'must be oci://HOST/PATH in small letters, without credentials, query and fragment')
    }
    const wrong = authHosts.findIndex((host) => !isHost(host))
    if (wrong >= 0) throw malformed(`/authHosts/${wrong}`, 'must be a host in small letters, with a port if it has one')
  },
}

function requireKeys({ type, verify }: NewSource): void {
  if (verify === null) return
  if ('provenanceKeys' in verify) {
    if (keyringOf(verify.provenanceKeys) === null) {
      throw malformed('/verify/provenanceKeys', 'must be armored OpenPGP public keys and nothing else')
    }
    return
  }
  if (type !== 'oci') throw malformed('/verify/cosignKey', 'only a registry has signatures of cosign')
  if (cosignKeyOf(verify.cosignKey) === null) {
    throw malformed('/verify/cosignKey', 'must be a public key as PEM: ECDSA, Ed25519, or RSA of 2048 bits or more')
  }
}

/** As `URL` writes a host: what is compared with that of a realm. */
const isHost = (text: string): boolean => URL.canParse(`https://${text}`) && new URL(`https://${text}`).host === text
