import { BlockList, isIP, isIPv6 } from 'node:net'
import { reachOf } from '../infra/net/reach.ts'

/** Where webhooks may go beyond the public internet: what `WEBHOOK_ALLOW` names. */
export type Allowed = {
  /** Whether the setting names this very host, by name or by address. */
  namesHost(host: string): boolean
  /** Whether an address of a host may be connected to. */
  permits(host: string, address: string): boolean
}

/**
 * Reads `WEBHOOK_ALLOW`: host names, addresses, and ranges as `10.1.0.0/16`. A named host may lie in a private network;
 * link-local addresses, where clouds keep credentials, only by an address or range that says so.
 */
export function allowedBy(entries: readonly string[]): Allowed {
  const hosts = new Set(entries.filter((entry) => !isRange(entry)).map((entry) => entry.toLowerCase()))
  const ranges = new BlockList()
  for (const entry of entries.filter(isRange)) addRange(ranges, entry)
  const inRange = (address: string) => isIP(address) !== 0 && ranges.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  return {
    namesHost: (host) => hosts.has(host.toLowerCase()) || inRange(isLocalhost(host) ? '127.0.0.1' : bare(host)),
    permits(host, address) {
      const reach = reachOf(address)
      if (reach === 'public' || inRange(address)) return true
      return reach === 'private' && hosts.has(host.toLowerCase())
    },
  }
}

/** Names of this very machine (RFC 6761, 6.3). */
export const isLocalhost = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host)

/** An IPv6 address without the brackets that it has in a URL. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

const isRange = (entry: string): boolean => isIP(entry.split('/')[0] ?? '') !== 0

function addRange(ranges: BlockList, entry: string): void {
  const [net = '', bits] = entry.split('/')
  const family = isIPv6(net) ? 'ipv6' : 'ipv4'
  ranges.addSubnet(net, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
}
