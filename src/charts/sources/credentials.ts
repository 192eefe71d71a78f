import type { SourceCredentials } from '../types.ts'

/** The value of the header `Authorization` for credentials. */
export function authorizationOf(credentials: SourceCredentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}
