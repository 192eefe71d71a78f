import { isJsonObject, type Json } from '../../core/json.ts'
import { invalidChart } from './faults.ts'

/** A parsed `values.schema.json`. */
export type ValuesSchema = Json

/**
 * Parses a `values.schema.json` and refuses one that would make helm fetch something (tried with helm 4.1: it fetches
 * `$ref`, `$dynamicRef` and `$recursiveRef`, by `file:` too, and an unknown `$schema`). Throws `chart_invalid`.
 */
export function readSchema(path: string, text: string): ValuesSchema {
  const schema = parseJson(path, text)
  const remote = remoteReference(schema)
  if (remote !== null) throw invalidChart('remote_reference', `${path}: ${remote} points outside the file`)
  return schema
}

function parseJson(path: string, text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidChart('values_schema', `${path} is not valid JSON`)
  }
}

const references = ['$ref', '$dynamicRef', '$recursiveRef']
const knownDrafts = /^https?:\/\/json-schema\.org\/((draft-0[3-7]|draft\/(2019-09|2020-12))\/)?schema#?$/

/** The first keyword, anywhere in the document, that leads out of it: null when there is none. */
function remoteReference(root: Json): string | null {
  const open: Json[] = [root]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const found = isJsonObject(next) ? Object.entries(next).find(leadsOut) : undefined
    if (found !== undefined) return found[0]
    if (typeof next === 'object' && next !== null) open.push(...Object.values(next))
  }
  return null
}

function leadsOut([key, value]: [string, Json]): boolean {
  if (typeof value !== 'string') return false
  if (references.includes(key)) return !value.startsWith('#')
  return key === '$schema' && !knownDrafts.test(value)
}
