import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Resolve } from '../infra/net/reach.ts'
import { type Allowed, isLocalhost } from './allow.ts'

/** Why a webhook's host cannot be connected to: its addresses lie where they must not. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/**
 * All addresses of a webhook's host, or `AddressRefused` when one of them must not be reached. One is enough: whoever may
 * choose which is taken would choose that one.
 */
export async function addressesOf(
  url: URL,
  { allowed, resolve }: { readonly allowed: Allowed; readonly resolve: Resolve },
): Promise<readonly LookupAddress[]> {
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  const family = isIP(literal)
  const addresses = family === 0 ? await resolve(url.hostname) : [{ address: literal, family }]
  const refused = addresses.length === 0 || addresses.some(({ address }) => !allowed.permits(url.hostname, address))
  if (refused) throw new AddressRefused('the address is not one that webhooks may reach')
  return addresses
}

const dnsTimeoutMs = 2_000

/**
 * Asks the name servers directly: the system's lookup holds one of few threads for as long as a name server that a
 * stranger chose takes to answer. Names that the operator has allowed are looked up as the system does, which knows
 * local ones. `localhost` is loopback, whatever a name server says of it (RFC 6761).
 */
export function dnsResolve(allowed: Allowed, system: Resolve): Resolve {
  const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: 2 })
  return async (host) => {
    if (isLocalhost(host)) return [{ address: '127.0.0.1', family: 4 }]
    if (allowed.namesHost(host)) return system(host)
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const [four, six] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const found = [...toAddresses(four ?? [], 4), ...toAddresses(six ?? [], 6)]
    const [failed] = answers.filter((answer) => answer.status === 'rejected')
    if (found.length === 0 && failed !== undefined) throw failed.reason
    return found
  }
}

const toAddresses = (addresses: readonly string[], family: 4 | 6): LookupAddress[] =>
  addresses.map((address) => ({ address, family }))
