import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { Problem } from '../../core/problems.ts'

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * True when a Host header names this server: loopback or `PUBLIC_HOST`, on any port. Anything else may be a page in a
 * browser whose name was made to point here (DNS rebinding).
 */
export function isAllowedHost(host: string | undefined, publicHost: string | null): boolean {
  if (host === undefined) return false
  const name = host.toLowerCase().replace(/:[0-9]{1,5}$/, '')
  return loopback.has(name) || (publicHost !== null && name === publicHost.toLowerCase())
}

/** Refuses foreign Host headers. */
export function hostCheck(publicHost: string | null) {
  return (request: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction): void => {
    if (!isAllowedHost(request.headers.host, publicHost))
      throw new Problem('host_not_allowed', 'Use a loopback address or the name in PUBLIC_HOST')
    done()
  }
}
