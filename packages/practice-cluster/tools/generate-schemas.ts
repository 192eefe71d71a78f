/**
 * Writes `src/resources/schemas.txt`: what the types of the Kubernetes API look like, one line a field, taken from a
 * real API server's OpenAPI documents and from the `generated.proto` files of its release (both Apache-2.0).
 *
 *   node tools/generate-schemas.ts https://127.0.0.1:6443 TOKEN FOLDER_OF_K8S_IO_MODULES VERSION > src/resources/schemas.txt
 */
import { globSync, readFileSync } from 'node:fs'
import { allTypes, groupVersionOf } from '../src/resources/table.ts'

type OpenApiSchema = {
  readonly type?: string
  readonly format?: string
  readonly $ref?: string
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly allOf?: readonly OpenApiSchema[]
  readonly oneOf?: readonly OpenApiSchema[]
  readonly items?: OpenApiSchema
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly additionalProperties?: OpenApiSchema
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-patch-merge-key'?: string
}

const EXTRA_GROUP_VERSIONS = ['authentication.k8s.io/v1', 'authorization.k8s.io/v1', 'autoscaling/v1']
const PREFIX =
  /^(#\/components\/schemas\/)?io\.k8s\.(api\.|apimachinery\.pkg\.|apiextensions-apiserver\.pkg\.)*(apis\.)?/

const shortName = (name: string): string => name.replace(PREFIX, '')

function typeOf(schema: OpenApiSchema): string {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (reference !== undefined) return shortName(reference)
  if (schema.items !== undefined) return `[${typeOf(schema.items)}]`
  if (schema.additionalProperties !== undefined) return `{${typeOf(schema.additionalProperties)}}`
  if (schema.format === 'byte') return 'bytes'
  return schema.type ?? 'any'
}

function traitsOf(schema: OpenApiSchema): string[] {
  const keys = schema['x-kubernetes-list-map-keys']
  const list = schema['x-kubernetes-list-type']
  const strategy = schema['x-kubernetes-patch-strategy'] ?? ''
  const plain =
    schema.default === undefined || ['{}', '""', '0', 'false', 'null'].includes(JSON.stringify(schema.default))
  return [
    ...(keys === undefined ? [] : [`keys=${keys.join(',')}`]),
    ...(list === 'set' ? ['set'] : []),
    ...(list === 'atomic' || schema['x-kubernetes-map-type'] === 'atomic' ? ['atomic'] : []),
    ...(strategy.includes('merge') ? [`merge=${schema['x-kubernetes-patch-merge-key'] ?? ''}`] : []),
    ...(strategy.includes('retainKeys') ? ['retainKeys'] : []),
    ...(JSON.stringify(schema.default) === '{}' && schema.allOf !== undefined ? ['value'] : []),
    ...(plain ? [] : [`default=${JSON.stringify(schema.default)}`]),
  ]
}

/** The numbers of the fields of every message: `core.v1.Container` → field → number. */
function protobufNumbers(folder: string, version: string): Map<string, Map<string, string>> {
  const numbers = new Map<string, Map<string, string>>()
  for (const file of globSync(`${folder}/{api,apimachinery,apiextensions-apiserver}@${version}/**/generated.proto`)) {
    const text = readFileSync(file, 'utf8')
    const scope = shortName(`io.${text.match(/^package (.+);/m)?.[1]?.replace(/^k8s\.io\./, 'k8s.') ?? ''}`)
    for (const [, message = '', body = ''] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)\n\}/gm)) {
      const fields = [...body.matchAll(/^ {2}(?:optional |repeated )?([\w.<>, ]+?) (\w+) = (\d+);/gm)]
      numbers.set(`${scope}.${message}`, new Map(fields.map(([, , name = '', number = '']) => [name, number])))
    }
  }
  return numbers
}

/** The fields of every Go struct that are no pointers and left out when they are empty: `core.v1.Container` → `stdin`. */
function omittedZeros(folder: string, version: string): Map<string, Set<string>> {
  const omitted = new Map<string, Set<string>>()
  for (const file of globSync(`${folder}/{api,apimachinery,apiextensions-apiserver}@${version}/**/types*.go`)) {
    const [group = '', name = ''] = file.split('/').slice(-3)
    for (const [, struct = '', body = ''] of readFileSync(file, 'utf8').matchAll(
      /^type (\w+) struct \{\n([\s\S]*?)\n\}/gm,
    )) {
      const fields = [...body.matchAll(/^\t\w+\s+[\w.[\]]+\s+`json:"(\w+),omitempty/gm)].map(([, field = '']) => field)
      omitted.set(`${group}.${name}.${struct}`, new Set(fields))
    }
  }
  return omitted
}

/** Scalars, lists and maps; a struct that is no pointer is written also when it is empty. */
const HAS_ZERO = /^(boolean$|integer$|string$|\[|\{)/

function describe(
  name: string,
  schema: OpenApiSchema,
  numbers: ReadonlyMap<string, string> | undefined,
  omitted: ReadonlySet<string> | undefined,
): string {
  const required = new Set(schema.required)
  const fields = Object.entries(schema.properties ?? {}).map(([field, each]) => {
    const number = numbers?.get(field)
    const zero = omitted?.has(field) === true && HAS_ZERO.test(typeOf(each))
    const traits = [...(zero ? ['omitzero'] : []), ...traitsOf(each), ...(required.has(field) ? ['required'] : [])]
    return [' ', field, typeOf(each), ...(number === undefined ? [] : [`#${number}`]), ...traits].join(' ')
  })
  const whole = schema.properties === undefined ? [schema.format ?? schema.type ?? 'any'] : []
  return [[shortName(name), ...traitsOf(schema), ...whole].join(' '), ...fields].join('\n')
}

const [server = '', token = '', folder = '', version = ''] = process.argv.slice(2)
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
const groupVersions = [...new Set([...allTypes.map(groupVersionOf), ...EXTRA_GROUP_VERSIONS])]
const schemas = new Map<string, OpenApiSchema>()
for (const each of groupVersions) {
  const path = each.includes('/') ? `apis/${each}` : `api/${each}`
  const answer = await fetch(`${server}/openapi/v3/${path}`, { headers: { authorization: `Bearer ${token}` } })
  const document = (await answer.json()) as { components: { schemas: Record<string, OpenApiSchema> } }
  for (const [name, schema] of Object.entries(document.components.schemas)) schemas.set(name, schema)
}
const numbers = protobufNumbers(folder, version)
const omitted = omittedZeros(folder, version)
const described = [...schemas].map(([name, schema]) =>
  describe(name, schema, numbers.get(shortName(name)), omitted.get(shortName(name))),
)
console.log(
  `# Types of the Kubernetes API ${version.replace('v0', 'v1')}; made by tools/generate-schemas.ts, do not edit.\n`,
)
console.log(described.sort().join('\n'))
