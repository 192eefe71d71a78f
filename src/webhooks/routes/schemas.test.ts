import { expect, test } from 'vitest'
import { newWebhook } from './schemas.ts'

const webhook = { url: 'https://hooks.example/', secret: 'a-secret-of-sixteen' }

test('types are those of events and their beginnings up to a dot; of another one what is known is told', () => {
  const known = ['release', 'release.upgrade', 'release.upgrade.started', 'registry.upgrade-path']
  expect(newWebhook.safeParse({ ...webhook, types: known }).success).toBe(true)
  expect(newWebhook.safeParse({ ...webhook, types: ['release', 'nope'] }).error?.issues).toMatchObject([
    { path: ['types', 1], message: 'is no type of event: known are batch, execution, registry, release' },
  ])
  // One that has the wrong form is told that, once.
  expect(newWebhook.safeParse({ ...webhook, types: ['release.*'] }).error?.issues).toMatchObject([
    { path: ['types', 0], message: 'must be a type of event or its beginning up to a dot' },
  ])
})
