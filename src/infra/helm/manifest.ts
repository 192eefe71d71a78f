import { parseAllDocuments } from 'yaml'
import { isJsonObject, type Json } from '../../core/json.ts'
import type { RenderedObject } from './types.ts'

/** Splits what helm rendered into its objects; empty documents are left out. Throws when a document is no object. */
export function splitManifest(manifest: string): readonly RenderedObject[] {
  // Helm reads YAML 1.1: `yes`, `017` and `<<` must mean here what they mean there.
  const documents = parseAllDocuments(manifest, { version: '1.1', uniqueKeys: false })
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw new Error('the chart renders text that is no YAML')
    const object: Json = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 }) ?? null))
    if (object === null) return []
    if (!isJsonObject(object)) throw new Error('the chart renders a document that is no object')
    return [{ source: sourceOf(document.commentBefore ?? document.contents?.commentBefore), object }]
  })
}

const sourceOf = (comment: string | null | undefined): string | null =>
  /^ *Source: (\S+)/m.exec(comment ?? '')?.[1] ?? null
