import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { escaped } from './values.ts'

/** The schemas of a chart and of the charts inside it: all that says which values are secret. */
export type SchemaTree = {
  readonly schema: Json | null
  /** The charts inside, by each name that values may use for them. */
  readonly inside: readonly (readonly [name: string, tree: SchemaTree])[]
}

const hidden = '***'
/** How much of schemas is looked at for one set of values; beyond it everything is hidden. */
const effort = 200_000

/** A subschema, and what its `$ref`s may point into: the document, and every part around it that has an `$id`. */
type Place = { readonly schema: Json; readonly roots: readonly Json[] }
type Walk = { left: number }

/**
 * The values as they may be shown (SPEC section 1): what a schema marks `writeOnly` or `format: password`, in any of its
 * branches, is `***`. Patterns are never run, a hostile one could hang the server: each is taken to match. So more may
 * be hidden than the schema means, never less.
 */
export function redactValues(values: JsonObject, tree: SchemaTree): JsonObject {
  const walk = { left: effort }
  const shown = redactChart(values, tree, [], walk)
  return isJsonObject(shown) ? shown : {}
}

/** The texts and numbers of these values that the shown ones hide. */
export function hiddenTexts(value: Json, shown: Json | undefined): readonly string[] {
  if (shown === hidden && value !== hidden) return leafTexts(value)
  if (Array.isArray(value))
    return value.flatMap((item, at) => hiddenTexts(item, Array.isArray(shown) ? shown[at] : shown))
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => hiddenTexts(inner, isJsonObject(shown) ? shown[key] : shown))
}

function leafTexts(value: Json): readonly string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leafTexts)
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : []
}

/** Whether these values hold the mask anywhere, secret or not. */
export const holdsMask = (values: JsonObject): boolean => JSON.stringify(values).includes(JSON.stringify(hidden))

/**
 * Where these values hold the mask in the place of a secret, as JSON pointers: a client has sent back what it was shown.
 * Without a tree every place is one, as every value is hidden then.
 */
export function maskedPlaces(values: JsonObject, tree: SchemaTree | null): readonly string[] {
  // Another text in each: where it is hidden, the schema says so and not the values.
  const asked = mapLeaves(values, (leaf) => (leaf === hidden ? '' : leaf))
  return masksIn(values, tree === null ? hideValues(asked) : redactValues(asked, tree), '')
}

/** A mask is one where its place is hidden, or a place around it is: then what was shown is no part of these values. */
function masksIn(value: Json, shown: Json | undefined, pointer: string): readonly string[] {
  if (value === hidden) return shown === hidden || shown === undefined ? [pointer] : []
  if (typeof value !== 'object' || value === null) return []
  const below = (key: string) => (typeof shown === 'object' && shown !== null ? (shown as JsonObject)[key] : shown)
  return Object.entries(value).flatMap(([key, inner]) => masksIn(inner, below(key), `${pointer}/${escaped(key)}`))
}

/** Whether a schema marks anything at all: most do not, and then there is nothing to look for. */
export function marksAny({ schema, inside }: SchemaTree): boolean {
  return /"(?:writeOnly|password)"/.test(JSON.stringify(schema)) || inside.some(([, tree]) => marksAny(tree))
}

/** The values with every leaf hidden: for a chart of which nothing is known. */
export const hideValues = (values: JsonObject): JsonObject => mapLeaves(values, hideLeaf)

function mapLeaves(values: JsonObject, change: (leaf: Json) => Json): JsonObject {
  const map = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(map)
    return isJsonObject(value) ? mapLeaves(value, change) : change(value)
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]))
}

const hideLeaf = (value: Json): Json => (value === null ? null : hidden)

/** A chart's values: its own schema, what its parent says of them, and for the charts inside theirs. */
function redactChart(value: Json, tree: SchemaTree, parents: readonly Place[], walk: Walk): Json {
  const own = tree.schema === null ? [] : [{ schema: tree.schema, roots: [tree.schema] }]
  const places = expand([...parents, ...own], walk)
  if (!isJsonObject(value) || isSecret(places, walk)) return redact(value, places, walk)
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => {
      const inside = tree.inside.filter(([name]) => name === key)
      const known = propertyOf(places, key, walk)
      if (inside.length === 0) return [key, redact(below, expand(known, walk), walk)]
      return [key, inside.reduce((shown, [, chart]) => redactChart(shown, chart, known, walk), below)]
    }),
  )
}

/** `places` are expanded already. */
function redact(value: Json, places: readonly Place[], walk: Walk): Json {
  if (isSecret(places, walk)) return hideLeaf(value)
  if (Array.isArray(value)) {
    const items = expand(places.flatMap(itemsOf), walk)
    return value.map((item) => redact(item, items, walk))
  }
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [
      key,
      redact(below, expand(propertyOf(places, key, walk), walk), walk),
    ]),
  )
}

function isSecret(places: readonly Place[], walk: Walk): boolean {
  if (walk.left <= 0) return true
  return places.some(
    ({ schema }) => isJsonObject(schema) && (schema.writeOnly === true || schema.format === 'password'),
  )
}

/** Keywords whose subschemas speak of the very same value. */
const sameValue = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependencies']
const references = ['$ref', '$dynamicRef', '$recursiveRef']

const rootsOf = ({ schema, roots }: Place): readonly Json[] =>
  isJsonObject(schema) && typeof schema.$id === 'string' && !roots.includes(schema) ? [...roots, schema] : roots

const within = (place: Place, schema: Json): Place => ({ schema, roots: rootsOf(place) })

/** These subschemas with all that speak of the same value, each once. */
function expand(places: readonly Place[], walk: Walk): readonly Place[] {
  const seen = new Map<Json, Place>()
  const open = [...places]
  for (let next = open.pop(); next !== undefined && walk.left > 0; next = open.pop()) {
    const { schema } = next
    walk.left -= 1
    if (!isJsonObject(schema) || seen.has(schema)) continue
    seen.set(schema, next)
    const same = sameValue.flatMap((key) => subschemas(schema[key]))
    const referred = references.flatMap((key) => rootsOf(next).flatMap((root) => pointed(root, schema[key], walk)))
    open.push(...[...same, ...referred].map((found) => within(next, found)))
  }
  return [...seen.values()]
}

/** A subschema, a list of them, or a map of them. A map of keywords is its own subschema too: it only adds to them. */
function subschemas(value: Json | undefined): readonly Json[] {
  if (Array.isArray(value)) return value
  return isJsonObject(value) ? [value, ...Object.values(value)] : []
}

/** What a reference inside of the document points to: a JSON pointer, or any subschema with that anchor. */
function pointed(root: Json, reference: Json | undefined, walk: Walk): readonly Json[] {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return []
  const pointer = decoded(reference.slice(1))
  return pointer === '' || pointer.startsWith('/') ? atPointer(root, pointer) : anchored(root, pointer, walk)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function atPointer(root: Json, pointer: string): readonly Json[] {
  let at: Json | undefined = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const container: object | null = typeof at === 'object' ? at : null
    at = container !== null && Object.hasOwn(container, key) ? (container as JsonObject)[key] : undefined
  }
  return at === undefined ? [] : [at]
}

function anchored(root: Json, anchor: string, walk: Walk): readonly Json[] {
  const named = (schema: JsonObject): boolean =>
    schema.$anchor === anchor || schema.$dynamicAnchor === anchor || [schema.$id, schema.id].includes(`#${anchor}`)
  const found: Json[] = []
  const open: Json[] = [root]
  for (let next = open.pop(); next !== undefined && walk.left > 0; next = open.pop()) {
    walk.left -= 1
    if (isJsonObject(next) && named(next)) found.push(next)
    if (typeof next === 'object' && next !== null) open.push(...Object.values(next))
  }
  return found
}

const mapped = (schema: JsonObject, keyword: string): JsonObject => {
  const map = schema[keyword]
  return isJsonObject(map) ? map : {}
}

/** What the schemas say of one property. */
function propertyOf(places: readonly Place[], key: string, walk: Walk): readonly Place[] {
  if (walk.left <= 0) return []
  return places.flatMap((place) => {
    const { schema } = place
    if (!isJsonObject(schema)) return []
    const properties = mapped(schema, 'properties')
    const own = Object.hasOwn(properties, key) ? [properties[key]] : [schema.additionalProperties]
    const all = [...own, schema.unevaluatedProperties, ...Object.values(mapped(schema, 'patternProperties'))]
    return all.filter((found) => found !== undefined).map((found) => within(place, found))
  })
}

const itemKeywords = ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'contains']

function itemsOf(place: Place): readonly Place[] {
  const { schema } = place
  if (!isJsonObject(schema)) return []
  const found = itemKeywords.flatMap((keyword): readonly Json[] => {
    const value = schema[keyword]
    return Array.isArray(value) ? value : value === undefined ? [] : [value]
  })
  return found.map((item) => within(place, item))
}
