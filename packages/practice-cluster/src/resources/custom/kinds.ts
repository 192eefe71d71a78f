import type { KubeObject, ResourceType, Store } from '../../store/types.ts'
import { registerSchema } from '../catalog.ts'
import { allTypes, types } from '../table.ts'
import { type Structural, schemaOfCustom } from './schema.ts'

export type PrinterColumn = {
  readonly name: string
  readonly type: string
  readonly jsonPath: string
  readonly description?: string
  readonly priority?: number
}

export type ScalePaths = {
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  readonly labelSelectorPath?: string
}

export type Version = {
  readonly name: string
  readonly served?: boolean
  readonly storage?: boolean
  readonly schema?: { readonly openAPIV3Schema?: Structural }
  readonly subresources?: { readonly status?: object; readonly scale?: ScalePaths }
  readonly additionalPrinterColumns?: readonly PrinterColumn[]
}

export type DefinitionSpec = {
  readonly group: string
  readonly scope: string
  readonly names: {
    readonly plural: string
    readonly kind: string
    readonly singular?: string
    readonly shortNames?: readonly string[]
    readonly categories?: readonly string[]
  }
  readonly versions?: readonly Version[]
}

const known = new WeakMap<object, ResourceType>()
const served = new WeakMap<ResourceType, Version>()

/** What the definition of a custom kind says of the version that is served; undefined for a built-in kind. */
export const versionOf = (type: ResourceType): Version | undefined => served.get(type)

/** The version of a definition in which its objects are stored; the only one that is served here. */
export function storedVersion({ versions = [] }: DefinitionSpec): Version | undefined {
  return versions.find(({ storage, served }) => storage === true && served === true)
}

/** The kind that a CustomResourceDefinition defines: the same value as long as its specification does not change. */
export function kindOf(definition: KubeObject): ResourceType | undefined {
  const spec = definition.spec as DefinitionSpec
  const found = known.get(spec)
  if (found !== undefined) return found
  const version = storedVersion(spec)
  if (version === undefined) return undefined
  const type = typeOf(spec, version)
  registerSchema(type, schemaOfCustom(version.schema?.openAPIV3Schema))
  known.set(spec, type)
  served.set(type, version)
  return type
}

function typeOf({ group, scope, names }: DefinitionSpec, { name, subresources }: Version): ResourceType {
  return {
    group,
    version: name,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    generation: true,
    status: subresources?.status !== undefined,
    scale: subresources?.scale !== undefined,
  }
}

const NONE: readonly ResourceType[] = []
const derived = new WeakMap<readonly KubeObject[], readonly ResourceType[]>()

/** The kinds that the stored CustomResourceDefinitions define; the same array as long as those do not change. */
export function customKinds(store: Pick<Store, 'list'>): readonly ResourceType[] {
  const definitions = store.list(types.customresourcedefinitions)
  if (definitions.length === 0) return NONE
  const found = derived.get(definitions) ?? definitions.map(kindOf).filter((each) => each !== undefined)
  derived.set(definitions, found)
  return found
}

/** All kinds that a store may hold objects of. */
export function kindsIn(store: Pick<Store, 'list'>): readonly ResourceType[] {
  const custom = customKinds(store)
  return custom.length === 0 ? allTypes : [...allTypes, ...custom]
}
