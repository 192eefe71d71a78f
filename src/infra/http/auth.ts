import type { FastifyRequest } from 'fastify'
import type { Action } from '../../core/actions.ts'
import { Problem } from '../../core/problems.ts'
import type { Principal } from '../../core/subject.ts'
import type { Permission } from './route.ts'

/**
 * Whose token it is; null for one that is unknown, expired or revoked. What is known already is answered at once: a
 * promise would cost most requests more than the check.
 */
export type Authenticate = (token: string) => Principal | null | Promise<Principal | null>
/** Whether the role of a principal holds an action. */
export type Authorize = (principal: Principal, action: Action) => boolean

/** Who calls a public route: somebody who may do and see nothing. */
export const nobody: Principal = { id: 'nobody', name: 'nobody', role: 'viewer', tenants: [] }

/** The token of an Authorization header, or null when there is none of the form `Bearer TOKEN`. */
export function bearerToken(header: string | undefined): string | null {
  return header?.match(/^Bearer +([\x21-\x7e]{1,8192})$/i)?.[1] ?? null
}

/** Throws `unauthenticated` without a valid token. Missing and wrong tokens are answered alike. */
export function authenticateRequest(
  authenticate: Authenticate,
  request: FastifyRequest,
): Principal | Promise<Principal> {
  const token = bearerToken(request.headers.authorization)
  const principal = token === null ? null : authenticate(token)
  return principal instanceof Promise ? principal.then(known) : known(principal)
}

function known(principal: Principal | null): Principal {
  if (principal === null) throw new Problem('unauthenticated', 'Send Authorization: Bearer with a valid API key')
  return principal
}

/**
 * The role check before anything of the request is read: whether the role may do it in any form. A dry run needs less,
 * but only the input tells; `checkExactForm` decides then.
 */
export function checkAnyForm(authorize: Authorize, principal: Principal, permission: Permission): void {
  if (permission.scope === 'public') return
  const forms = permission.dryRun ? [permission.action, permission.dryRun] : [permission.action]
  if (!forms.some((action) => authorize(principal, action))) throw forbidden(principal, permission.action)
}

/** The exact role check, once the input is read. */
export function checkExactForm(
  authorize: Authorize,
  principal: Principal,
  permission: Permission,
  dryRun: boolean,
): void {
  if (permission.scope === 'public') return
  const action = dryRun && permission.dryRun ? permission.dryRun : permission.action
  if (!authorize(principal, action)) throw forbidden(principal, action)
}

/** A 403 that names the role and the action. */
export function forbidden(principal: Principal, action: Action): Problem {
  return new Problem('forbidden', `The role ${principal.role} does not permit ${action}`)
}
