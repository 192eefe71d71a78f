import type { KubeInput } from '../../store/types.ts'
import type { Structural } from './schema.ts'

type Values = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object of a custom kind with the defaults that the schema of its definition names. */
export const withCustomDefaults = (object: KubeInput, schema: Structural): KubeInput =>
  fill(object, schema) as KubeInput

function fill(value: unknown, schema: Structural): unknown {
  if (Array.isArray(value))
    return schema.items === undefined ? value : value.map((each) => fill(each, schema.items ?? {}))
  if (!isRecord(value)) return value
  const { properties = {}, additionalProperties } = schema
  const rest = typeof additionalProperties === 'object' ? additionalProperties : undefined
  const filled: Record<string, unknown> = { ...value }
  for (const [key, part] of Object.entries(properties)) {
    if (filled[key] === undefined && part.default !== undefined) filled[key] = part.default
  }
  for (const key of Object.keys(filled)) {
    const part = Object.hasOwn(properties, key) ? properties[key] : rest
    if (part !== undefined) filled[key] = fill(filled[key], part)
  }
  return filled
}
