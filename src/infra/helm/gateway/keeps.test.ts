import { describe, expect, test } from 'vitest'
import { keepFields, type Says, saysOf } from './keeps.ts'

const at = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'ns', name: 'web' }
const kept = [{ workload: 'web', resource: 'deployments', replicas: 7 }]
const applied = (spec: object) => JSON.stringify({ kind: 'Deployment', spec })
const sent = (object: typeof at, body: string) => keepFields(Buffer.from(body), object, kept, 'whole').toString()

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

describe('a workload whose fields are kept', () => {
  const fields = { minReadySeconds: 2_000_000_000, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3 } } }
  const bounds = [{ workload: 'web', resource: 'deployments', fields, note: 'noted' }]
  const keep = (body: object, says: Says = 'changes') =>
    JSON.parse(keepFields(Buffer.from(JSON.stringify(body)), at, bounds, says).toString())
  const noted = (body: ReturnType<typeof keep>) => JSON.parse(body.metadata.annotations.noted)
  const rolling = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } }

  test('has them, and what was applied is noted beside other annotations', () => {
    const metadata = { name: 'web', annotations: { other: 'yes' } }
    const body = keep(
      { kind: 'Deployment', metadata, spec: { replicas: 4, minReadySeconds: 1, strategy: rolling } },
      'whole',
    )
    expect(body).toMatchObject({ metadata, spec: { replicas: 4, ...fields } })
    expect(noted(body)).toEqual({ minReadySeconds: 1, strategy: rolling })
  })

  test('and what a patch says of them is noted', () => {
    const strategy = { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: null }
    const body = keep({ spec: { minReadySeconds: null, strategy } })
    expect(body.spec).toEqual(fields)
    expect(noted(body)).toEqual({ minReadySeconds: null, strategy })
  })

  test('beside its number of instances', () => {
    const body = Buffer.from(applied({ replicas: 4, minReadySeconds: 1 }))
    const { spec } = JSON.parse(keepFields(body, at, [...kept, ...bounds], 'changes').toString())
    expect(spec).toEqual({ replicas: 7, minReadySeconds: fields.minReadySeconds })
  })

  test('has them also where a whole object does not say them: what it leaves out it takes away', () => {
    const body = keep({ kind: 'Deployment', spec: { replicas: 4, strategy: rolling } }, 'whole')
    expect(body.spec).toEqual({ replicas: 4, ...fields })
    expect(noted(body)).toEqual({ minReadySeconds: null, strategy: rolling })
    const silent = keep({ kind: 'Deployment', spec: { replicas: 4 } }, 'whole')
    expect(silent.spec).toEqual({ replicas: 4, ...fields })
    expect(noted(silent)).toEqual({ minReadySeconds: null, strategy: null })
  })

  test('goes out as it is where a patch says none of them', () => {
    const body = applied({ replicas: 4 })
    expect(keepFields(Buffer.from(body), at, bounds, 'changes').toString()).toBe(body)
  })
})

test.each([
  ['PATCH', 'application/apply-patch+yaml', 'whole'],
  ['PATCH', 'application/apply-patch+yaml; charset=utf-8', 'whole'],
  ['PUT', 'application/json', 'whole'],
  ['PATCH', 'application/strategic-merge-patch+json', 'changes'],
  ['PATCH', 'application/merge-patch+json', 'changes'],
  ['POST', 'application/json', 'changes'],
])('a body by %s as %s tells %s', (method, contentType, wanted) => {
  expect(saysOf(method, contentType)).toBe(wanted)
})
