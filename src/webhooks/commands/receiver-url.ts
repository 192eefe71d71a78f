import { malformed, Problem } from '../../core/problems.ts'
import type { WebhookDeps } from '../deps.ts'
import { AddressRefused, addressesOf } from '../resolve.ts'

/**
 * The URL of a receiver. Throws `malformed` for what is no https URL, or holds credentials, and `address_not_allowed`
 * where its host lies in a network that webhooks must not reach. Plain http is for hosts that `WEBHOOK_ALLOW` names. A
 * name that cannot be resolved now may be later: it is resolved and checked again before each connection.
 */
export async function receiverUrl(deps: Pick<WebhookDeps, 'allowed' | 'resolve'>, text: string): Promise<URL> {
  const url = parse(text)
  const plain = url.protocol === 'http:' && deps.allowed.namesHost(url.hostname)
  if (url.protocol !== 'https:' && !plain) throw malformed('/url', 'must be an https URL')
  if (url.username !== '' || url.password !== '') throw malformed('/url', 'must hold no credentials')
  if (url.hash !== '') throw malformed('/url', 'must have no fragment')
  try {
    await addressesOf(url, deps)
  } catch (error) {
    if (error instanceof AddressRefused) throw new Problem('address_not_allowed', `${url.hostname}: ${error.message}`)
  }
  return url
}

function parse(text: string): URL {
  if (!URL.canParse(text)) throw malformed('/url', 'must be an https URL')
  return new URL(text)
}
