import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../core/instant.ts'
import { Problem } from '../../core/problems.ts'
import { issuerKeys, ProviderUnavailable } from './discovery.ts'

/** The claims of a token that is valid now; null for any other. Throws `unavailable` where the provider cannot be asked. */
export type VerifyToken = (token: string) => Promise<JWTPayload | null>

/** Asymmetric only (SECURITY.md): a public key is no secret to sign with, and `none` is no signature. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const skewSeconds = 60

/** Verifies tokens of one issuer for one audience, with the keys that the issuer publishes. */
export function tokenVerifier(oidc: { readonly issuer: string; readonly audience: string }, clock: Clock): VerifyToken {
  const keys = issuerKeys(oidc.issuer, clock)
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, await keys(), {
        ...{ issuer: oidc.issuer, audience: oidc.audience, algorithms },
        ...{ requiredClaims: ['exp', 'sub'], clockTolerance: skewSeconds, currentDate: new Date(clock.now()) },
      })
      return payload
    } catch (error) {
      return refusal(error)
    }
  }
}

const unreadableKeys: readonly string[] = [errors.JWKSTimeout.code, errors.JWKSInvalid.code]

function refusal(error: unknown): null {
  const cannotTell = !(error instanceof errors.JOSEError) || unreadableKeys.includes(error.code)
  if (!cannotTell) return null
  const detail =
    error instanceof ProviderUnavailable ? error.message : 'the keys of the identity provider cannot be read'
  throw new Problem('unavailable', detail)
}
