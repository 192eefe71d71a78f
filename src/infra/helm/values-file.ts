import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'

/** Beyond so many characters YAML takes a key for one only behind `?`; its limit is 1024 with the quotes. */
const longestPlainKey = 1_000

/** What JSON leaves as it is and YAML folds, drops or refuses: C1 controls, its further line breaks, what is no character. */
const unlikeJson = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

/** The text of a values file. Helm reads it as YAML, of which JSON is nearly a part: this is what both read the same. */
export function valuesFile(values: JsonObject): string {
  return written(values)
}

function written(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`
  if (!isJsonObject(value)) return scalar(value)
  return `{${Object.entries(value).map(([key, inside]) => `${keyOf(key)}:${written(inside)}`)}}`
}

function keyOf(key: string): string {
  const text = scalar(key)
  return text.length > longestPlainKey ? `? ${text}` : text
}

const scalar = (value: Json): string => JSON.stringify(value).replaceAll(unlikeJson, escaped)

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
