import { describe, expect, test } from 'vitest'
import { whyNoPod } from './refused-pods.ts'

const forbidden = 'pods "app-1" is forbidden: exceeded quota: limits'

describe('why a controller makes no pod', () => {
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
  ])('events: %s', (_, events, expected) => expect(whyNoPod(events)).toBe(expected))

  // The verb is in capitals since Kubernetes 1.35.
  test.each(['create Pod app-1', 'Create Pod app-1', 'Create Claim data-app-1 for Pod app-1'])(
    'a StatefulSet: %s',
    (what) => {
      const message = `${what} in StatefulSet app failed error: ${forbidden}`
      expect(whyNoPod([event('2026-01-01T00:00:00Z', 'FailedCreate', message)])).toBe(forbidden)
    },
  )

  test('events that are alike and were gathered into one', () => {
    const message = `(combined from similar events): Error creating: ${forbidden}`
    expect(whyNoPod([event('2026-01-01T00:00:00Z', 'FailedCreate', message)])).toBe(forbidden)
  })
})
