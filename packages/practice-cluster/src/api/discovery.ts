import { allTypes, types } from '../resources/table.ts'
import type { ResourceType } from '../store/types.ts'
import { reviewKinds } from './reviews.ts'

type Listed = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  readonly subresources: readonly Subresource[]
}
type Subresource = {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly verbs: readonly string[]
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

const podSubresources: readonly Subresource[] = [
  { name: 'log', group: '', version: 'v1', kind: 'Pod', verbs: ['get'] },
  { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  {
    name: 'proxy',
    group: '',
    version: 'v1',
    kind: 'PodProxyOptions',
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
  },
]

const tokenSubresource: Subresource = {
  name: 'token',
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  verbs: ['create'],
}

function subresourcesOf(type: ResourceType): Subresource[] {
  const { group, version, kind } = type
  const change = ['get', 'patch', 'update']
  return [
    ...(type.scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: change }] : []),
    ...(type.status ? [{ name: 'status', group, version, kind, verbs: change }] : []),
    ...(type === types.pods ? podSubresources : []),
    ...(type === types.serviceaccounts ? [tokenSubresource] : []),
  ]
}

const reviews: readonly Listed[] = reviewKinds.map((each) => ({
  ...each,
  version: 'v1',
  singular: each.kind.toLowerCase(),
  shortNames: [],
  categories: [],
  verbs: ['create'],
  subresources: [],
}))

const listedType = (type: ResourceType): Listed => ({ ...type, verbs: VERBS, subresources: subresourcesOf(type) })

/** A group and its versions, each with its kinds. */
type Group = { readonly name: string; readonly versions: readonly Version[] }
type Version = { readonly name: string; readonly kinds: readonly Listed[] }

function groupsOf(all: readonly Listed[]): readonly Group[] {
  return [...Map.groupBy(all, (each) => each.group)].map(([name, members]) => ({
    name,
    versions: [...Map.groupBy(members, (each) => each.version)].map(([version, kinds]) => ({ name: version, kinds })),
  }))
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** The path of an answer: legacy documents under their path, aggregated ones with a `#` behind. */
type Documents = ReadonlyMap<string, string>

function documentsOf(types: readonly ResourceType[]): Documents {
  const groups = groupsOf([...types.map(listedType), ...reviews])
  const named = groups.filter(({ name }) => name !== '')
  return new Map<string, string>([
    ['/api', JSON.stringify({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
    ['/apis', JSON.stringify({ kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupDocument) })],
    ['/api#', aggregated(groups.filter(({ name }) => name === ''))],
    ['/apis#', aggregated(named)],
    ...groups.flatMap((group) => group.versions.map((version) => resourceDocument(group.name, version))),
    ...named.map((group): [string, string] => [`/apis/${group.name}`, JSON.stringify(withKind(groupDocument(group)))]),
  ])
}

const builtIn = documentsOf(allTypes)
const extended = new WeakMap<readonly ResourceType[], Documents>()

function documentsWith(custom: readonly ResourceType[]): Documents {
  if (custom.length === 0) return builtIn
  const documents = extended.get(custom) ?? documentsOf([...allTypes, ...custom])
  extended.set(custom, documents)
  return documents
}

function withKind(group: object): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...group }
}

function groupDocument({ name, versions }: Group): object {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version.name}`, version: version.name }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

function resourceDocument(group: string, { name, kinds }: Version): [string, string] {
  const groupVersion = group === '' ? name : `${group}/${name}`
  const resources = kinds.flatMap((each) => [
    resourceEntry(each),
    ...each.subresources.map((sub) => subresourceEntry(each, sub)),
  ])
  const path = group === '' ? `/api/${name}` : `/apis/${groupVersion}`
  return [path, JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources })]
}

function resourceEntry({ plural, singular, namespaced, kind, verbs, shortNames, categories }: Listed): object {
  const short = shortNames.length === 0 ? {} : { shortNames }
  const all = categories.length === 0 ? {} : { categories }
  return { name: plural, singularName: singular, namespaced, kind, verbs, ...short, ...all }
}

function subresourceEntry(parent: Listed, { name, group, version, kind, verbs }: Subresource): object {
  const other = group === parent.group ? {} : { group, version }
  return { name: `${parent.plural}/${name}`, singularName: '', namespaced: parent.namespaced, ...other, kind, verbs }
}

function aggregated(groups: readonly Group[]): string {
  const items = groups.map(({ name, versions }) => ({
    metadata: name === '' ? {} : { name },
    versions: versions.map((version) => ({
      version: version.name,
      resources: version.kinds.map(aggregatedResource),
      freshness: 'Current',
    })),
  }))
  return JSON.stringify({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items })
}

function aggregatedResource(each: Listed): object {
  const subresources = each.subresources.map(({ name, group, version, kind, verbs }) => ({
    subresource: name,
    responseKind: { group, version, kind },
    verbs,
  }))
  return {
    resource: each.plural,
    responseKind: { group: each.group, version: each.version, kind: each.kind },
    scope: each.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: each.singular,
    verbs: each.verbs,
    ...(each.shortNames.length === 0 ? {} : { shortNames: each.shortNames }),
    ...(each.categories.length === 0 ? {} : { categories: each.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  }
}

export type Discovered = { readonly body: string; readonly contentType: string }

/** The discovery document of a path, aggregated when the client can read that; undefined when there is none. */
export function discovery(path: string, accept: string, custom: readonly ResourceType[]): Discovered | undefined {
  const documents = documentsWith(custom)
  const whole = accept.includes('g=apidiscovery.k8s.io;v=v2;') ? documents.get(`${path}#`) : undefined
  if (whole !== undefined) return { body: whole, contentType: AGGREGATED }
  const body = documents.get(path)
  return body === undefined ? undefined : { body, contentType: 'application/json' }
}
