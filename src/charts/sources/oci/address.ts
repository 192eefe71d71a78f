import { isIP } from 'node:net'

/** Where the charts of a registry are: the repository of the chart `demo` is `PATH/demo`. */
export type RegistryAddress = { readonly origin: string; readonly path: string }

const part = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/

/** Whether a chart of this name can be in a registry at all: names there are of small letters. */
export const isRepositoryPart = (name: string): boolean => part.test(name)

/**
 * Takes `oci://HOST/PATH` apart; null when it is no such address. It is spoken to over TLS, and in plain text on loopback
 * only, as every client of registries does; `http://HOST/PATH` says that a registry elsewhere has no TLS.
 */
export function readAddress(text: string): RegistryAddress | null {
  const [, scheme = '', rest = ''] = /^(oci|https?):\/\/([^/].*)$/.exec(text) ?? []
  // `URL` knows no host in schemes that it does not know.
  const overTls = URL.canParse(`https://${rest}`) ? new URL(`https://${rest}`) : null
  if (overTls === null) return null
  const plain = scheme === 'http' || (scheme === 'oci' && isLoopback(overTls.hostname))
  const url = plain ? new URL(`http://${rest}`) : overTls
  const path = url.pathname.replace(/^\/|\/$/g, '')
  const isAddress = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return isAddress && (path === '' || path.split('/').every(isRepositoryPart)) ? { origin: url.origin, path } : null
}

function isLoopback(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}
