import { allTypes } from '../resources/table.ts'
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

function subresourcesOf(type: ResourceType): Subresource[] {
  const { group, version, kind, plural } = type
  const change = ['get', 'patch', 'update']
  return [
    ...(type.scale ? [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: change }] : []),
    ...(type.status ? [{ name: 'status', group, version, kind, verbs: change }] : []),
    ...(plural === 'pods' ? podSubresources : []),
  ]
}

const listed: readonly Listed[] = [
  ...allTypes.map((type) => ({ ...type, verbs: VERBS, subresources: subresourcesOf(type) })),
  ...reviewKinds.map((each) => ({
    ...each,
    version: 'v1',
    singular: each.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ['create'],
    subresources: [],
  })),
]

const groups = [...Map.groupBy(listed, (each) => each.group)]
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** The path of an answer: legacy documents under their path, aggregated ones with a `#` behind. */
const documents = new Map<string, string>([
  ['/api', JSON.stringify({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })],
  ['/apis', JSON.stringify({ kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups().map(groupDocument) })],
  ['/api#', aggregated(groups.filter(([group]) => group === ''))],
  ['/apis#', aggregated(namedGroups())],
  ...groups.map(([group, members]) => resourceDocument(group, members)),
  ...namedGroups().map((each): [string, string] => [`/apis/${each[0]}`, JSON.stringify(withKind(groupDocument(each)))]),
])

function namedGroups(): typeof groups {
  return groups.filter(([group]) => group !== '')
}

function withKind(group: object): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...group }
}

function groupDocument([group, members]: [string, Listed[]]): object {
  const version = members[0]?.version ?? 'v1'
  const entry = { groupVersion: `${group}/${version}`, version }
  return { name: group, versions: [entry], preferredVersion: entry }
}

function resourceDocument(group: string, members: readonly Listed[]): [string, string] {
  const version = members[0]?.version ?? 'v1'
  const groupVersion = group === '' ? version : `${group}/${version}`
  const resources = members.flatMap((each) => [
    resourceEntry(each),
    ...each.subresources.map((sub) => subresourceEntry(each, sub)),
  ])
  const path = group === '' ? `/api/${version}` : `/apis/${groupVersion}`
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

function aggregated(members: typeof groups): string {
  const items = members.map(([group, each]) => ({
    metadata: group === '' ? {} : { name: group },
    versions: [{ version: each[0]?.version ?? 'v1', resources: each.map(aggregatedResource), freshness: 'Current' }],
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

/** The discovery document of a path, aggregated when the client can read that; undefined when there is none. */
export function discovery(path: string, accept: string): { body: string; contentType: string } | undefined {
  const whole = accept.includes('g=apidiscovery.k8s.io;v=v2;') ? documents.get(`${path}#`) : undefined
  if (whole !== undefined) return { body: whole, contentType: AGGREGATED }
  const body = documents.get(path)
  return body === undefined ? undefined : { body, contentType: 'application/json' }
}
