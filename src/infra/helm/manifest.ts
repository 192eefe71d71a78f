import { isJsonObject, type Json } from '../../core/json.ts'
import { parseManifestDocuments } from '../helm-yaml.ts'
import type { RenderedObject } from './types.ts'

/** Splits what helm rendered into its objects; empty documents are left out. Throws when a document is no object. */
export function splitManifest(manifest: string): readonly RenderedObject[] {
  return parseManifestDocuments(manifest).flatMap((document) => {
    if (document.errors.length > 0) throw new Error('the chart renders text that is no YAML')
    const object: Json = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 }) ?? null))
    if (object === null) return []
    if (!isJsonObject(object)) throw new Error('the chart renders a document that is no object')
    return [{ source: sourceOf(document.commentBefore ?? document.contents?.commentBefore), object }]
  })
}

const sourceOf = (comment: string | null | undefined): string | null =>
  /^ *Source: (\S+)/m.exec(comment ?? '')?.[1] ?? null
