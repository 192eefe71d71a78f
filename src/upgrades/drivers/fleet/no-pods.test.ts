import { describe, expect, test } from 'vitest'
import { saidInEvents, saidInStatus } from './no-pods.ts'

const forbidden = 'pods "app-1" is forbidden: exceeded quota: limits'

describe('why a controller makes no pod', () => {
  const condition = (status: string, message: string) => ({ type: 'ReplicaFailure', status, message })
  test.each([
    ['the condition of a Deployment', { conditions: [condition('True', forbidden)] }, forbidden],
    ['one that is over', { conditions: [condition('False', forbidden)] }, null],
    ['without one', { conditions: [] }, null],
    ['without any', {}, null],
  ])('%s', (_, status, expected) => expect(saidInStatus({ metadata: { name: 'app' }, status })).toBe(expected))

  const event = (at: string, reason: string, message = '') => ({
    metadata: { name: at },
    lastTimestamp: at,
    reason,
    message,
  })
  const refused = event('2026-01-01T00:00:02Z', 'FailedCreate', `Error creating: ${forbidden}`)
  test.each([
    ['the newest event', [refused, event('2026-01-01T00:00:01Z', 'SuccessfulCreate')], forbidden],
    ['a pod was made since', [refused, event('2026-01-01T00:00:03Z', 'SuccessfulCreate')], null],
    ['other events do not matter', [refused, event('2026-01-01T00:00:03Z', 'SuccessfulDelete')], forbidden],
    ['there is none', [], null],
  ])('events: %s', (_, events, expected) => expect(saidInEvents(events)).toBe(expected))

  // The verb is in capitals since Kubernetes 1.35.
  test.each(['create Pod app-1', 'Create Pod app-1', 'Create Claim data-app-1 for Pod app-1'])(
    'a StatefulSet: %s',
    (what) => {
      const message = `${what} in StatefulSet app failed error: ${forbidden}`
      expect(saidInEvents([event('2026-01-01T00:00:00Z', 'FailedCreate', message)])).toBe(forbidden)
    },
  )
  test('values that the API server quotes are not told', () => {
    const invalid = 'Pod "a" is invalid: spec.containers[0].image: Invalid value: "se\\"cret": must not have spaces'
    const status = (message: string) => ({
      metadata: { name: 'app' },
      status: { conditions: [condition('True', message)] },
    })
    expect(saidInStatus(status(invalid))).toBe(
      'Pod "a" is invalid: spec.containers[0].image: Invalid value: ***: must not have spaces',
    )
  })
})
