import { describe, expect, it } from 'vitest'
import { schemaNamed, schemaOf } from './catalog.ts'
import { decode } from './decode.ts'
import { withDefaults } from './defaults.ts'
import { parseSchemas } from './schema.ts'
import { allTypes, types } from './table.ts'

describe('schemas', () => {
  it('are there for every kind', () => {
    for (const type of allTypes) expect([type.kind, schemaOf(type).kind]).toEqual([type.kind, 'struct'])
  })

  it('are read with their traits, also in a circle', () => {
    const text = 'a.Tree\n  name string #1 default="a b" required\n  kids [a.Tree] #2 keys=name merge=name\n'
    const tree = parseSchemas(text).get('a.Tree')
    if (tree?.kind !== 'struct') throw new Error('no struct')
    expect(tree.fields.get('name')).toMatchObject({ number: 1, fallback: 'a b', required: true })
    const kids = tree.fields.get('kids')
    expect(kids).toMatchObject({ number: 2, mergeKey: 'name', schema: { kind: 'list', keys: ['name'] } })
    expect(kids?.schema.kind === 'list' && kids.schema.items).toBe(tree)
  })
})

describe('decoding', () => {
  const schema = schemaOf(types.deployments)

  it('drops and reports what the kind does not know, and drops nulls', () => {
    const { value, findings } = decode(
      { spec: { replicas: null, odd: 1, template: { spec: { volume: [] } } }, x: 1 },
      schema,
    )
    expect(value).toEqual({ spec: { template: { spec: {} } } })
    expect(findings.unknown).toEqual(['spec.odd', 'spec.template.spec.volume', 'x'])
  })

  it('words a wrong type as the API server does', () => {
    const container = { name: 'c', ports: [{ containerPort: '80' }] }
    const { findings } = decode({ spec: { template: { spec: { containers: [container] } } } }, schema)
    expect(findings.mistyped).toBe(
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32',
    )
  })
})

describe('defaults', () => {
  it('leave alone what needs none', () => {
    const config = { data: { a: 'b' } }
    expect(withDefaults(config, schemaOf(types.configmaps))).toBe(config)
  })

  it('pull images with a fixed tag only when they are missing', () => {
    const policyOf = (image: string) => withDefaults({ image }, schemaNamed('core.v1.Container'))
    expect(policyOf('host:5000/a')).toMatchObject({ imagePullPolicy: 'Always' })
    expect(policyOf('a:latest')).toMatchObject({ imagePullPolicy: 'Always' })
    expect(policyOf('host:5000/a:1')).toMatchObject({ imagePullPolicy: 'IfNotPresent' })
    expect(policyOf('a@sha256:0123')).toMatchObject({ imagePullPolicy: 'IfNotPresent' })
  })

  it('fill the same values in again without change', () => {
    const once = withDefaults(
      { spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }] } } } },
      schemaOf(types.deployments),
    )
    expect(withDefaults(once, schemaOf(types.deployments))).toEqual(once)
  })
})
