import { type Answer, type Call, parseBody } from './call.ts'

/** Everyone who holds the token may do everything here; the answers say so. */
const USER = { username: 'practice-admin', groups: ['system:masters', 'system:authenticated'] }

const STATUSES: Readonly<Record<string, object>> = {
  selfsubjectreviews: { userInfo: USER },
  selfsubjectaccessreviews: { allowed: true },
  subjectaccessreviews: { allowed: true },
  localsubjectaccessreviews: { allowed: true },
  selfsubjectrulesreviews: {
    incomplete: false,
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  },
}

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

/** POST of a review: what was asked, with its verdict; undefined when the path is none. */
export function review(call: Call): Answer | undefined {
  const plural = call.path.slice(call.path.lastIndexOf('/') + 1)
  const known = reviewKinds.find((each) => each.plural === plural && call.path.startsWith(`/apis/${each.group}/v1/`))
  if (known === undefined || call.method !== 'POST') return undefined
  const body = parseBody(call)
  const answer = { kind: known.kind, apiVersion: `${known.group}/v1`, metadata: {}, ...body, status: STATUSES[plural] }
  return { status: 201, body: JSON.stringify(answer) }
}
