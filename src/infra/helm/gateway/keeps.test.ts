import { describe, expect, test } from 'vitest'
import { keepFields } from './keeps.ts'

const at = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'ns', name: 'web' }
const kept = [{ workload: 'web', resource: 'deployments', replicas: 7 }]
const applied = (spec: object) => JSON.stringify({ kind: 'Deployment', spec })
const sent = (object: typeof at, body: string) => keepFields(Buffer.from(body), object, kept).toString()

describe('a workload whose number of instances is kept', () => {
  test('has it, whatever helm applies', () => {
    const body = applied({ replicas: 4, paused: true })
    expect(sent(at, body)).toBe(applied({ replicas: 7, paused: true }))
  })

  test.each([
    ['another one', { ...at, name: 'other' }, applied({ replicas: 4 })],
    ['another kind', { ...at, resource: 'statefulsets' }, applied({ replicas: 4 })],
    ['what says no number', at, applied({ paused: true })],
    ['what is no object', at, 'spec: {}'],
  ])('%s goes out as it is', (_, object, body) => expect(sent(object, body)).toBe(body))
})
