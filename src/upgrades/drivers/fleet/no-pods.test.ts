import { describe, expect, test } from 'vitest'
import { saidInStatus } from './no-pods.ts'

const forbidden = 'pods "app-1" is forbidden: exceeded quota: limits'

describe('why a controller makes no pod', () => {
  const condition = (status: string, message: string) => ({ type: 'ReplicaFailure', status, message })
  test.each([
    ['the condition of a Deployment', { conditions: [condition('True', forbidden)] }, forbidden],
    ['one that is over', { conditions: [condition('False', forbidden)] }, null],
    ['without one', { conditions: [] }, null],
    ['without any', {}, null],
  ])('%s', (_, status, expected) => expect(saidInStatus({ metadata: { name: 'app' }, status })).toBe(expected))

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
