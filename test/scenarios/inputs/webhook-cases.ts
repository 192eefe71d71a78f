import { tenants } from '../fleet/world.ts'
import { body, missing, post, query, type Refusal, reads, text501 } from './refusal.ts'

const nobody = '99999999-0000-4000-8000-000000000000'
const secret = 'a-secret-of-sixteen'
export const newWebhook = { tenantId: tenants.a, url: 'https://93.184.216.34/hook', secret }
const to = (url: string) => ({ ...newWebhook, url })
const path = '/webhooks'
const deliveries = '/webhooks/{webhook}/deliveries'

/** What a stranger's address looks like when it is one of ours. */
const inside = [
  ...['https://10.0.0.1/', 'https://192.168.1.1/', 'https://169.254.169.254/', 'https://[::1]/', 'https://[fe80::1]/'],
  ...['https://2130706434/', 'https://[::ffff:10.0.0.1]/', 'https://0.0.0.0/', 'https://[64:ff9b::a00:1]/'],
]

export const webhooks: readonly Refusal[] = [
  ...missing(path, newWebhook, ['url', 'secret']),
  ...body(path, newWebhook, [
    ['plain http', { url: 'http://93.184.216.34/' }, '/url'],
    ['no URL', { url: 'hooks.example.com' }, '/url'],
    ['a file', { url: 'file:///etc/passwd' }, '/url'],
    ['a password in the URL', { url: 'https://user:word@93.184.216.34/' }, '/url'],
    ['a fragment', { url: 'https://93.184.216.34/#a' }, '/url'],
    ['a URL that is too long', { url: `https://93.184.216.34/${'x'.repeat(2048)}` }, '/url'],
    ['a secret that is too short', { secret: 'short' }, '/secret'],
    ['a secret with a space', { secret: 'a secret of several words' }, '/secret'],
    ['a type that is none', { types: ['release.*'] }, '/types/0'],
    ['a type that no event has', { types: ['release', 'nope'] }, '/types/1'],
    ['types as text', { types: 'release' }, '/types'],
    ['a description that is too long', { description: text501 }, '/description'],
    ['a reason that is too long', { reason: text501 }, '/reason'],
    ['a tenant that is no id', { tenantId: 'a' }, '/tenantId'],
    ['an unknown field', { headers: {} }, '/headers'],
  ]),
  ...post(
    path,
    inside.map((url) => [`to ${url}`, 'operator', to(url), 422, 'address_not_allowed'] as const),
  ),
  ...post(path, [
    ['by a viewer', 'viewer', newWebhook, 403, 'forbidden'],
    ['for the platform by an operator', 'operator', { ...newWebhook, tenantId: undefined }, 403, 'forbidden'],
    ['for another tenant', 'operator', { ...newWebhook, tenantId: tenants.b }, 404, 'not_found'],
    ['for a tenant that there is not', 'admin', { ...newWebhook, tenantId: nobody }, 404, 'not_found'],
  ]),
  ...query(path, [...reads, ['a tenant that is no id', 'tenantId=a', 'query/tenantId']]),
  ...query(deliveries, [...reads, ['a status that is none', 'status=LOST', 'query/status']]),
  {
    what: 'those of another tenant',
    as: 'operator',
    method: 'GET',
    path: `${path}?tenantId=${tenants.b}`,
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a redelivery by a viewer',
    as: 'viewer',
    method: 'POST',
    path: `${deliveries}/{delivery}/redeliver`,
    status: 403,
    code: 'forbidden',
  },
  {
    what: 'a delivery that there is not',
    as: 'operator',
    method: 'POST',
    path: `${deliveries}/${nobody}/redeliver`,
    status: 404,
    code: 'not_found',
  },
  { what: 'by a viewer', as: 'viewer', method: 'DELETE', path: '/webhooks/{webhook}', status: 403, code: 'forbidden' },
]
