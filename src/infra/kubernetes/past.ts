import { setImmediate as afterOthers } from 'node:timers/promises'
import { ManifestError, type ManifestObject, objectKey, parseManifest, UnreadManifestError } from './manifest.ts'

/** What a revision named, its hooks included, as helm stored it; null where that is lost. */
export type PastRevision = { readonly revision: number; readonly manifest: string | null }

/** An object, with the last revision that named it. */
export type PastObject = { readonly object: ManifestObject; readonly revision: number }

export type Past = {
  /** What the newest revision itself named is not among them, but for its hooks: that is known otherwise. */
  readonly objects: readonly PastObject[]
  /** The newest revision that was not read, because there was too much; null where all were. */
  readonly unread: number | null
  /** Revisions that are lost, or of which a part cannot be read though it may have been applied; newest first. */
  readonly unreadable: readonly number[]
}

export type PastLimits = { readonly revisions: number; readonly characters: number; readonly objects: number }

/** A second or two of work, and one request to the API server for each object: more than charts in use need. */
const mostOfAll: PastLimits = { revisions: 100, characters: 1 << 20, objects: 500 }

/**
 * What the revisions of a release have ever named, newest first. Revisions have most of their documents in common: each text
 * is parsed once, and others get their turn after each. What is no object was never applied.
 */
export async function readPast(history: AsyncIterable<PastRevision>, limits = mostOfAll): Promise<Past> {
  const reading = new Reading(limits)
  let newest: number | null = null
  for await (const { revision, manifest } of history) {
    newest ??= revision
    if (!(await reading.add(revision, manifest))) return reading.past(newest, revision)
  }
  return reading.past(newest, null)
}

class Reading {
  readonly #limits: PastLimits
  readonly #read = new Set<string>()
  readonly #named = new Map<string, PastObject>()
  readonly #unreadable = new Set<number>()
  #revisions = 0
  #characters = 0

  constructor(limits: PastLimits) {
    this.#limits = limits
  }

  /** False when there is more of it than is read. */
  async add(revision: number, manifest: string | null): Promise<boolean> {
    if (++this.#revisions > this.#limits.revisions) return false
    if (manifest === null) this.#unreadable.add(revision)
    return manifest === null || this.#addParts(revision, manifest)
  }

  async #addParts(revision: number, manifest: string): Promise<boolean> {
    for (const text of manifest.split(/^---(?=\s|$)/m)) {
      if (this.#read.has(text)) continue
      this.#characters += text.length
      if (this.#characters > this.#limits.characters) return false
      this.#read.add(text)
      const objects = objectsOf(text)
      if (objects === null) this.#unreadable.add(revision)
      for (const object of objects ?? []) this.#name(object, revision)
      if (this.#named.size > this.#limits.objects) return false
      await afterOthers()
    }
    return true
  }

  past(newest: number | null, unread: number | null): Past {
    const all = [...this.#named.values()].slice(0, this.#limits.objects)
    const objects = all.filter(({ object, revision }) => revision !== newest || object.hook !== null)
    return { objects, unread, unreadable: [...this.#unreadable] }
  }

  #name(object: ManifestObject, revision: number): void {
    const key = objectKey(object, '')
    if (!this.#named.has(key)) this.#named.set(key, { object, revision })
  }
}

/** Null where it cannot be read. */
function objectsOf(text: string): readonly ManifestObject[] | null {
  try {
    return parseManifest(text)
  } catch (error) {
    if (error instanceof UnreadManifestError) return null
    if (error instanceof ManifestError) return []
    throw error
  }
}
