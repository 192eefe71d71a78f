import { Problem } from '../core/problems.ts'
import type { Principal } from '../core/subject.ts'
import type { VerifyToken } from '../infra/oidc/index.ts'
import { faultOfClaims, principalOfClaims } from './core/claims.ts'

/** Three parts in base64url, the last one empty where nothing was signed. No API key has that form. */
const jwtForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** Whether a bearer token is to be read as a JWT. */
export const isJwt = (token: string): boolean => jwtForm.test(token)

/**
 * Reads tokens of single sign-on: null for one that is not valid. Throws `forbidden` for a valid one that carries no role
 * or no subject that can be used, so that its holder learns what to ask for, and `unavailable` where the provider does not answer.
 */
export function tokenAuthenticator(verify: VerifyToken) {
  return async (token: string): Promise<Principal | null> => {
    const claims = await verify(token)
    if (claims === null) return null
    const principal = principalOfClaims(claims)
    if (principal === null) throw new Problem('forbidden', faultOfClaims(claims))
    return principal
  }
}
