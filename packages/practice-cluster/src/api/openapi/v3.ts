import { createHash } from 'node:crypto'
import { allSchemas, schemaName, schemaOf } from '../../resources/catalog.ts'
import { versionOf } from '../../resources/custom/kinds.ts'
import type { Field, Schema } from '../../resources/schema.ts'
import { allTypes, groupVersionOf, isBuiltIn } from '../../resources/table.ts'
import type { ResourceType } from '../../store/types.ts'

/**
 * The OpenAPI v3 documents that clients read to validate and to learn whether the server does: the fields of every
 * kind and how lists merge, without descriptions. Made when first asked for, then kept.
 */
export type OpenApiDocument = { readonly body: string; readonly etag: string }

/** What every document says of itself. */
export const info = { title: 'Kubernetes (practice cluster, simulated)', version: 'v1.35.4+practice' } as const

const builtIn = Map.groupBy(allTypes, groupVersionOf)
const documents = new Map<string, OpenApiDocument>()

const pathOf = (groupVersion: string): string =>
  groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`

/** `/openapi/v3` itself, or the document of a group and version below it; undefined for anything else. */
export function openApi(path: string, custom: readonly ResourceType[]): OpenApiDocument | undefined {
  const known = documents.get(path)
  if (known !== undefined) return known
  const byGroupVersion = custom.length === 0 ? builtIn : Map.groupBy([...allTypes, ...custom], groupVersionOf)
  if (path === '/openapi/v3') return documentOf(rootText([...byGroupVersion.keys()], custom))
  const wanted = path.slice('/openapi/v3/'.length)
  const types = byGroupVersion.get(wanted.replace(/^apis?\//, ''))
  if (types === undefined || pathOf(groupVersionOf(types[0] as ResourceType)) !== wanted) return undefined
  const document = documentOf(groupText(types))
  if (types.every(isBuiltIn)) documents.set(path, document)
  return document
}

const documentOf = (body: string): OpenApiDocument => ({ body, etag: etagOf(body) })

/** The tag by which a client says that it has this document. */
export const etagOf = (body: string | Uint8Array): string =>
  `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`

function rootText(groupVersions: readonly string[], custom: readonly ResourceType[]): string {
  const paths = groupVersions.map((groupVersion) => {
    const path = pathOf(groupVersion)
    const hash = openApi(`/openapi/v3/${path}`, custom)?.etag.slice(1, -1) ?? ''
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]
  })
  return JSON.stringify({ paths: Object.fromEntries(paths) })
}

function groupText(types: readonly ResourceType[]): string {
  const paths = Object.fromEntries(types.flatMap(pathsOf))
  return JSON.stringify({
    openapi: '3.0.0',
    info,
    paths,
    components: { schemas: Object.fromEntries(schemasOf(types)) },
  })
}

/** The schemas of these kinds and of all that they reach, by their official names. */
export function schemasOf(types: readonly ResourceType[]): ReadonlyMap<string, object> {
  const reached = new Map<string, object>()
  for (const type of types) {
    if (isBuiltIn(type)) collect(schemaName(type), type, reached)
    else collectCustom(type, reached)
  }
  return reached
}

/** A custom kind is named by its group read backwards: `io.velero.v1.Backup`. */
function collectCustom(type: ResourceType, reached: Map<string, object>): void {
  const name = [...type.group.split('.').reverse(), type.version, type.kind].join('.')
  const { properties: common, ...open } = describe(schemaOf(type), reached) as { properties: Record<string, object> }
  const declared = versionOf(type)?.schema?.openAPIV3Schema
  // What the definition says of its fields stands as it is, with descriptions; metadata is that of every object.
  const { apiVersion, kind, metadata } = common
  const whole = declared === undefined ? { ...open, properties: common } : declared
  const properties = { ...whole.properties, apiVersion, kind, metadata }
  reached.set(name, { ...whole, properties, 'x-kubernetes-group-version-kind': [kindEntry(type)] })
}

/** The official name of a type: clients look some of them up by it. */
function officialName(name: string): string {
  if (name.startsWith('meta.') || name.startsWith('runtime.') || name.startsWith('util.')) {
    return `io.k8s.apimachinery.pkg.${name.startsWith('meta.') ? 'apis.' : ''}${name}`
  }
  if (name.startsWith('resource.')) return `io.k8s.apimachinery.pkg.api.${name}`
  return name.startsWith('apiextensions.') ? `io.k8s.apiextensions-apiserver.pkg.apis.${name}` : `io.k8s.api.${name}`
}

function collect(name: string, type: ResourceType | undefined, reached: Map<string, object>): void {
  const key = officialName(name)
  if (reached.has(key)) return
  reached.set(key, {})
  const schema = allSchemas.get(name)
  if (schema === undefined) return
  const kind = type === undefined ? {} : { 'x-kubernetes-group-version-kind': [kindEntry(type)] }
  reached.set(key, { ...describe(schema, reached), ...kind })
}

const kindEntry = ({ group, version, kind }: ResourceType): object => ({ group, kind, version })

function describe(schema: Schema, reached: Map<string, object>): object {
  if (schema.kind !== 'struct') return describeUse(schema, reached)
  const fields = [...schema.fields.values()]
  const required = fields.filter((field) => field.required).map((field) => field.name)
  return {
    type: 'object',
    ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(required.length === 0 ? {} : { required }),
    ...(schema.open === true ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    properties: Object.fromEntries(fields.map((field) => [field.name, describeField(field, reached)])),
  }
}

function describeField({ schema, mergeKey, retainKeys, fallback }: Field, reached: Map<string, object>): object {
  const strategy = [...(mergeKey === undefined ? [] : ['merge']), ...(retainKeys ? ['retainKeys'] : [])].join(',')
  return {
    ...describeUse(schema, reached),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(strategy === '' ? {} : { 'x-kubernetes-patch-strategy': strategy }),
    ...(mergeKey ? { 'x-kubernetes-patch-merge-key': mergeKey } : {}),
  }
}

const SCALARS: Readonly<Record<string, object>> = {
  bytes: { type: 'string', format: 'byte' },
  'date-time': { type: 'string', format: 'date-time' },
  'int-or-string': { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
}

function describeUse(schema: Schema, reached: Map<string, object>): object {
  if (schema.kind === 'scalar') return SCALARS[schema.type] ?? { type: schema.type }
  if (schema.kind === 'map') return { type: 'object', additionalProperties: describeUse(schema.values, reached) }
  if (schema.kind === 'struct' && schema.name === '') return describe(schema, reached)
  if (schema.kind === 'struct') {
    collect(schema.name, undefined, reached)
    return { allOf: [{ $ref: `#/components/schemas/${officialName(schema.name)}` }] }
  }
  const listType = schema.keys !== undefined ? 'map' : schema.set ? 'set' : 'atomic'
  return {
    type: 'array',
    items: describeUse(schema.items, reached),
    'x-kubernetes-list-type': listType,
    ...(schema.keys === undefined ? {} : { 'x-kubernetes-list-map-keys': schema.keys }),
  }
}

const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}))

function pathsOf(type: ResourceType): [string, object][] {
  const base = `/${pathOf(groupVersionOf(type))}${type.namespaced ? '/namespaces/{namespace}' : ''}/${type.plural}`
  const kind = { 'x-kubernetes-group-version-kind': kindEntry(type), responses: {} }
  const act = (action: string) => ({ 'x-kubernetes-action': action, parameters: WRITE_PARAMETERS, ...kind })
  return [
    [base, { post: act('post') }],
    [`${base}/{name}`, { put: act('put'), patch: act('patch') }],
  ]
}
