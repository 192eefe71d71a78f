import { isAllowed, rulesOf } from '../access/roles.ts'
import type { Attributes } from '../access/rules.ts'
import type { User } from '../access/user.ts'
import { type Answer, type Api, type Call, parseBody } from './call.ts'
import { badRequest } from './status.ts'

/** The kinds that are asked and never stored, as discovery lists them. */
export const reviewKinds = [
  { group: 'authentication.k8s.io', plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', namespaced: false },
  {
    group: 'authorization.k8s.io',
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
  },
  {
    group: 'authorization.k8s.io',
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    namespaced: false,
  },
  { group: 'authorization.k8s.io', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false },
  {
    group: 'authorization.k8s.io',
    plural: 'localsubjectaccessreviews',
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
  },
] as const

type Plural = (typeof reviewKinds)[number]['plural']
type Spec = {
  readonly resourceAttributes?: Readonly<Record<string, string>>
  readonly nonResourceAttributes?: { readonly verb?: string; readonly path?: string }
  readonly namespace?: string
  readonly user?: string
  readonly groups?: readonly string[]
}
type Verdict = (api: Api, user: User, spec: Spec) => object

const VERDICTS: Readonly<Record<Plural, Verdict>> = {
  selfsubjectreviews: (_, { name, ...of }) => ({ userInfo: { username: name, ...of } }),
  selfsubjectaccessreviews: access,
  subjectaccessreviews: accessOfAnother,
  localsubjectaccessreviews: accessOfAnother,
  selfsubjectrulesreviews: ({ store }, user, { namespace = '' }) => {
    const rules = rulesOf(store, user, namespace)
    return {
      incomplete: false,
      nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
      resourceRules: rules.filter(({ resources }) => resources !== undefined),
    }
  },
}

/** POST of a review: what was asked, with its verdict; undefined when the path is none. */
export function review(api: Api, call: Call): Answer | undefined {
  const plural = call.path.slice(call.path.lastIndexOf('/') + 1)
  const known = reviewKinds.find((each) => each.plural === plural && call.path.startsWith(`/apis/${each.group}/v1/`))
  if (known === undefined || call.method !== 'POST') return undefined
  const body = parseBody(call)
  const status = VERDICTS[known.plural](api, call.user, (body.spec ?? {}) as Spec)
  const answer = { kind: known.kind, apiVersion: `${known.group}/v1`, metadata: {}, ...body, status }
  return { status: 201, body: JSON.stringify(answer) }
}

function access({ store }: Api, user: User, spec: Spec): object {
  return { allowed: isAllowed(store, user, asked(spec)) }
}

/** Only the groups that are named count: nobody is added to those that a login would bring. */
function accessOfAnother(api: Api, _: User, spec: Spec): object {
  const { user = '', groups = [] } = spec
  if (user === '' && groups.length === 0) throw badRequest('at least one of user or group must be specified')
  return access(api, { name: user, groups }, spec)
}

function asked({ resourceAttributes: resource, nonResourceAttributes: path }: Spec): Attributes {
  if (resource === undefined) return { kind: 'path', verb: path?.verb ?? '', path: path?.path ?? '' }
  const { verb = '', group = '', subresource = '', namespace = '', name = '' } = resource
  return { kind: 'resource', verb, group, resource: resource.resource ?? '', subresource, namespace, name }
}
