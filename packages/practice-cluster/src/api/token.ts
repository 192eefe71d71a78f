import { AUDIENCE } from '../access/tokens.ts'
import { invalidValue } from '../resources/validation/errors.ts'
import { type Answer, type Api, type Call, parseBody, type Target } from './call.ts'
import { existing } from './read.ts'
import { invalid } from './status.ts'

type Spec = { readonly audiences?: readonly string[]; readonly expirationSeconds?: number }

/** POST of `serviceaccounts/NAME/token`: a token for it. @throws ApiError 404, and 422 for less than ten minutes. */
export function requestToken(api: Api, call: Call, target: Target): Answer {
  const account = existing(api, target)
  const { audiences = [], expirationSeconds = 3600 } = (parseBody(call).spec ?? {}) as Spec
  if (expirationSeconds < 600) {
    const why = 'may not specify a duration less than 10 minutes'
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      invalidValue('spec.expirationSeconds', expirationSeconds, why),
    ])
  }
  const wanted = audiences.length === 0 ? [AUDIENCE] : audiences
  const { token, expires } = api.tokens.issue(account, expirationSeconds, wanted)
  const { name, namespace } = account.metadata
  const body = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace },
    spec: { audiences: wanted, expirationSeconds },
    status: { token, expirationTimestamp: `${expires.toISOString().slice(0, 19)}Z` },
  }
  return { status: 201, body: JSON.stringify(body) }
}
