import { readFileSync } from 'node:fs'
import type { ResourceType } from '../store/types.ts'
import { anything, parseSchemas, type Schema } from './schema.ts'

const named = parseSchemas(readFileSync(new URL('./schemas.txt', import.meta.url), 'utf8'))

/** The schema of a type by its name in `schemas.txt`. */
export function schemaNamed(name: string): Schema {
  return named.get(name) ?? anything
}

/** All types, by name. */
export const allSchemas: ReadonlyMap<string, Schema> = named

/** The name in `schemas.txt` of a kind: `apps.v1.Deployment`. */
export function schemaName(type: Pick<ResourceType, 'group' | 'version' | 'kind'>): string {
  const group = type.group === '' ? 'core' : (type.group.split('.')[0] ?? '')
  return `${group}.${type.version}.${type.kind}`
}

/** The schema of a kind; a kind without one (custom resources) accepts anything. */
export function schemaOf(type: Pick<ResourceType, 'group' | 'version' | 'kind'>): Schema {
  return schemaNamed(schemaName(type))
}
