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

const custom = new WeakMap<ResourceType, Schema>()

/** Keeps the schema of a custom kind with its type. */
export function registerSchema(type: ResourceType, schema: Schema): void {
  custom.set(type, schema)
}

/** The schema of a kind. */
export function schemaOf(type: ResourceType): Schema {
  return custom.get(type) ?? schemaNamed(schemaName(type))
}
