import { Worker } from 'node:worker_threads'
import semver from 'semver'
import { parse } from 'yaml'
import { z } from 'zod'
import { yamlText } from '../archive/yaml-text.ts'
import type { OfferedVersion } from '../types.ts'

/** What a repository's `index.yaml` says about its charts, by name. */
export type RepositoryIndex = ReadonlyMap<string, readonly IndexVersion[]>
export type IndexVersion = OfferedVersion & { readonly url: string }

const indexFile = z.looseObject({ entries: z.record(z.string(), z.array(z.unknown()).nullable()) })
const indexVersion = z.looseObject({
  version: z.string().refine((text) => semver.valid(text) !== null),
  appVersion: yamlText.nullish(),
  digest: z.string().nullish(),
  urls: z.array(z.string()).min(1),
})

/** Parses an index; entries that are not a chart version are left out, as Helm does. Throws when it is no index. */
export function parseIndex(text: string): RepositoryIndex {
  const { entries } = indexFile.parse(
    text.trimStart().startsWith('{') ? JSON.parse(text) : parse(text, { intAsBigInt: true }),
  )
  return new Map(Object.entries(entries).map(([name, versions]) => [name, (versions ?? []).flatMap(readVersion)]))
}

function readVersion(entry: unknown): readonly IndexVersion[] {
  const parsed = indexVersion.safeParse(entry)
  if (!parsed.success) return []
  const { version, appVersion, digest, urls } = parsed.data
  return [{ version, appVersion: appVersion ?? null, digest: digestIn(digest ?? ''), url: urls[0] ?? '' }]
}

/** An empty one says as little as none. */
function digestIn(text: string): string | null {
  const digest = text.replace(/^sha256:/, '').toLowerCase()
  return digest === '' ? null : digest
}

/** From this size on parsing takes long enough (about 0.4 s a MiB, measured) to hold up everything else. */
const inlineLimit = 64 * 1024

/** Parses an index without holding up the event loop: a large one in a thread of its own, bounded in memory and time. */
export function parseIndexAside(text: string, timeoutMs: number): Promise<RepositoryIndex> {
  if (text.length <= inlineLimit) return Promise.resolve().then(() => parseIndex(text))
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      workerData: text,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    })
    const timer = setTimeout(() => void worker.terminate(), timeoutMs)
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('its index takes too long to read'))
    })
  })
}
