import { describe, expect, test } from 'vitest'
import { ClusterError } from './errors.ts'
import { evictionAnswer } from './eviction.ts'

const answered = (status: number, message: string, reason = '', details = {}) =>
  evictionAnswer(new ClusterError({ status, reason, message, details }))

const spent = { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }] }

describe('an eviction that the API server', () => {
  test.each([
    [403, 'admission webhook "pods.example.org" denied the request: not now'],
    [403, 'pods "web-1" is forbidden: User "flotilla" cannot create resource "pods/eviction"'],
    [400, 'admission webhook "pods.example.org" does not support dry run'],
    [422, 'admission webhook "pods.example.org" denied the request: the quorum is gone'],
    [500, 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'],
  ])('refuses with %i is refused in its words: %s', (status, why) => {
    expect(answered(status, why)).toEqual({ kind: 'refused', why })
  })

  test('refuses because of a budget names the budget', () => {
    const why = 'The disruption budget web needs 2 healthy pods'
    expect(answered(429, 'Cannot evict pod', 'TooManyRequests', spent)).toEqual({ kind: 'refused', why })
  })

  test.each([0, 401, 429, 500, 502, 503])('does not answer (%i) says nothing about the pod', (status) => {
    expect(() => answered(status, 'try again')).toThrow('try again')
  })

  test('knows no such pod for, or another one of its name, finds none', () => {
    expect(answered(404, 'no', 'NotFound', { name: 'web-1' })).toEqual({ kind: 'gone' })
    expect(answered(409, 'no', 'Conflict')).toEqual({ kind: 'gone' })
  })
})
