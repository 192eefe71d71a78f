import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** How far away an address is: the nearer, the more a stranger must not be able to send us there. */
export type Reach = 'public' | 'private' | 'link-local'

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16)
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6')

const ownNetworks = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  ownNetworks.addSubnet(net, bits)
}
for (const [net, bits] of [
  ['::', 96],
  // What carries an IPv4 address to a gateway, which may send it anywhere: NAT64, Teredo, 6to4.
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  ownNetworks.addSubnet(net, bits, 'ipv6')
}

/** Where an address lies. An IPv4 address written as IPv6 is judged as IPv4. */
export function reachOf(address: string): Reach {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (linkLocal.check(address, family)) return 'link-local'
  return ownNetworks.check(address, family) ? 'private' : 'public'
}

/** Resolves a name to all of its addresses. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

/** The resolver of the system. */
export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)))
  })

/** All addresses of a host, or an error when one of them lies where it must not. */
export async function addressesWithin(
  host: string,
  allowed: readonly Reach[],
  resolve: Resolve,
): Promise<readonly LookupAddress[]> {
  const literal = host.replace(/^\[|\]$/g, '')
  const family = isIP(literal)
  const addresses = family === 0 ? await resolve(host) : [{ address: literal, family }]
  const outside = addresses.find(({ address }) => !allowed.includes(reachOf(address)))
  if (outside !== undefined || addresses.length === 0) throw new Error(`the address of ${host} is not allowed here`)
  return addresses
}

/** A lookup that connects to these addresses only: what was checked is what is connected to. */
export function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses
    if (options.all) done(null, [...addresses])
    else done(null, first?.address ?? '', first?.family)
  }
}
