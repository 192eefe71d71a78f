import { expect, test } from 'vitest'
import type { VerifyToken } from '../infra/oidc/index.ts'
import { tokenAuthenticator } from './authenticate-token.ts'

const claims = { iss: 'https://id.example', sub: 'ann', flotilla_role: 'viewer', flotilla_tenants: [] }

test.each([
  ['no role', { flotilla_role: undefined }, 'flotilla_role'],
  ['an unknown role and no subject', { flotilla_role: 'root', sub: undefined }, 'flotilla_role'],
  ['a number as subject', { sub: 7 }, 'sub'],
  ['a subject that is too long', { sub: 'a'.repeat(5_000) }, 'sub'],
  ['a subject with a line break', { sub: 'ann\nbob' }, 'sub'],
  ['no issuer', { iss: undefined }, 'iss'],
])('a valid token with %s is refused, and the claim is named', async (_, wrong, named) => {
  const verify = (async () => ({ ...claims, ...wrong })) as unknown as VerifyToken
  const authenticate = tokenAuthenticator(verify)
  await expect(authenticate('token')).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(new RegExp(`\\b${named}\\b`)),
  })
})
