/** A rule of a Role or ClusterRole, as it is stored. */
export type Rule = {
  readonly verbs?: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
}

/** What a request wants to do: to a resource, or to a path that is none. */
export type Attributes =
  | ({ readonly kind: 'resource' } & ResourceAttributes)
  | { readonly kind: 'path'; readonly verb: string; readonly path: string }

export type ResourceAttributes = {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
}

const has = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(wanted))

/** Whether a rule allows what is wanted. */
export function allows(rule: Rule, wanted: Attributes): boolean {
  if (!has(rule.verbs, wanted.verb)) return false
  return wanted.kind === 'path' ? coversPath(rule.nonResourceURLs, wanted.path) : allowsResource(rule, wanted)
}

function allowsResource(rule: Rule, { group, resource, subresource, name }: ResourceAttributes): boolean {
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  const names = rule.resourceNames ?? []
  return (
    has(rule.apiGroups, group) && coversResource(rule.resources, whole) && (names.length === 0 || names.includes(name))
  )
}

/** `*` is everything, `*` with a subresource that one of every kind. */
function coversResource(resources: readonly string[] | undefined, wanted: string): boolean {
  const [, subresource] = wanted.split('/')
  return has(resources, wanted) || (subresource !== undefined && (resources ?? []).includes(`*/${subresource}`))
}

function coversPath(urls: readonly string[] | undefined, wanted: string): boolean {
  return (urls ?? []).some((url) => url === wanted || (url.endsWith('*') && wanted.startsWith(url.slice(0, -1))))
}

/** What of `wanted` the held rules do not give, in the smallest pieces that they have. */
export function missing(held: readonly Rule[], wanted: readonly Rule[]): readonly Rule[] {
  return wanted.flatMap(pieces).filter((piece) => !held.some((rule) => covers(rule, piece)))
}

/** A rule as rules of one verb on one resource, name or path each. */
function pieces(rule: Rule): Rule[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  const names = resourceNames.length === 0 ? [{}] : resourceNames.map((name) => ({ resourceNames: [name] }))
  const things = apiGroups.flatMap((group) =>
    resources.flatMap((resource) => names.map((named) => ({ apiGroups: [group], resources: [resource], ...named }))),
  )
  const paths = nonResourceURLs.map((url) => ({ nonResourceURLs: [url] }))
  return verbs.flatMap((verb) => [...things, ...paths].map((piece) => ({ ...piece, verbs: [verb] })))
}

function covers(held: Rule, piece: Rule): boolean {
  if (!has(held.verbs, piece.verbs?.[0] ?? '')) return false
  const [url] = piece.nonResourceURLs ?? []
  if (url !== undefined) return coversPath(held.nonResourceURLs, url)
  const names = held.resourceNames ?? []
  const named = names.length === 0 || names.includes(piece.resourceNames?.[0] ?? '')
  return (
    named &&
    has(held.apiGroups, piece.apiGroups?.[0] ?? '') &&
    coversResource(held.resources, piece.resources?.[0] ?? '')
  )
}

/** A rule as messages of the API server write it. */
export function ruleText(rule: Rule): string {
  const { apiGroups, resources, resourceNames, nonResourceURLs, verbs } = rule
  const fields = { APIGroups: apiGroups, Resources: resources, ResourceNames: resourceNames }
  const all = { ...fields, NonResourceURLs: nonResourceURLs, Verbs: verbs }
  const texts = Object.entries(all).flatMap(([name, list]) =>
    list === undefined ? [] : [`${name}:[${list.map((each) => JSON.stringify(each)).join(' ')}]`],
  )
  return `{${texts.join(', ')}}`
}
