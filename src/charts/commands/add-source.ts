import { isAbsolute } from 'node:path'
import type { Clock } from '../../core/instant.ts'
import { malformed, Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { SourceStore } from '../source-store.ts'
import { isBelow } from '../sources/folder.ts'
import type { SourceCredentials, SourceRecord, SourceType } from '../types.ts'

export type NewSource = {
  readonly name: string
  readonly type: SourceType
  readonly url: string
  readonly priority: number
  readonly credentials: SourceCredentials | null
}

export type AddSourceParts = {
  readonly sources: SourceStore
  readonly clock: Clock
  readonly newId: () => Uuid
  /** `CHART_FOLDERS`. */
  readonly folders: readonly string[]
}

/**
 * Adds a chart source. Throws `malformed` for an address that cannot be one, `refused` for one that may not be, and
 * `conflict` when the name is taken. Whether it answers is not asked: it may be up later.
 */
export async function addSource(parts: AddSourceParts, source: NewSource): Promise<SourceRecord> {
  await checks[source.type](source, parts.folders)
  const record = { ...source, id: parts.newId(), createdAt: parts.clock.now() }
  await parts.sources.add(record)
  return record
}

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
  async oci() {
    throw new Problem('refused', 'chart sources of the type oci are not supported yet')
  },
}
