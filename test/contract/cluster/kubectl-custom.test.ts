import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { kubectlIn, Tools } from './support/tools.ts'

/** A group of this run alone, so that it leaves a shared cluster as it was. */
const group = `run${randomUUID().slice(0, 8)}.contract.example`

let cluster: ClusterUnderTest
let tools: Tools
let kubectl: ReturnType<typeof kubectlIn>
beforeAll(async () => {
  cluster = await startCluster()
  tools = new Tools(cluster.kubeconfig)
  kubectl = kubectlIn(tools, await freshNamespace(cluster))
  await kubectl('apply', '-f', tools.file(definition))
  await kubectl('wait', `crd/widgets.${group}`, '--for=condition=Established', '--timeout=30s')
})
afterAll(async () => {
  await kubectl('delete', 'crd', `widgets.${group}`, '--ignore-not-found')
  tools.remove()
  await cluster.stop()
})

const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      description: 'What is wanted.',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 10, description: 'How many.' },
        color: { type: 'string', enum: ['red', 'green'], default: 'red' },
        code: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
        parts: {
          type: 'array',
          maxItems: 2,
          items: { type: 'object', properties: { weight: { type: 'integer', default: 7 } } },
        },
        port: { 'x-kubernetes-int-or-string': true },
      },
    },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.size',
            statusReplicasPath: '.status.size',
            labelSelectorPath: '.status.labels',
          },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ],
  },
}

const widget = (name: string, spec: object | undefined) => ({
  apiVersion: `${group}/v1`,
  kind: 'Widget',
  metadata: { name },
  ...(spec === undefined ? {} : { spec }),
})
const apply = (name: string, spec: object) => kubectl('apply', '-f', tools.file(widget(name, spec)))

describe('kubectl on a custom kind', () => {
  it('prints the columns that its definition names', async () => {
    await apply('shown', { size: 2 })
    expect(await kubectl('get', 'wd', 'shown')).toMatch(/^NAME +SIZE +READY +AGE\nshown +2 +\d+s\n$/)
    const status = {
      status: {
        conditions: [
          { type: 'Other', status: 'Unknown' },
          { type: 'Ready', status: 'True' },
        ],
      },
    }
    await kubectl('patch', 'wd', 'shown', '--subresource=status', '--type=merge', '-p', JSON.stringify(status))
    expect(await kubectl('get', 'wd', 'shown', '-o', 'wide')).toMatch(
      /^NAME +SIZE +READY +COLOR +AGE\nshown +2 +True +red +\d+s\n$/,
    )
    expect(await kubectl('wait', 'wd/shown', '--for=condition=Ready', '--timeout=10s')).toContain('condition met')
    expect(await kubectl('get', 'all')).toContain(`widget.${group}/shown`)
  })

  it('fills in the defaults of its schema, within lists too', async () => {
    await apply('filled', { size: 1, parts: [{}, { weight: 1 }] })
    const spec = JSON.parse(await kubectl('get', 'wd', 'filled', '-o', 'jsonpath={.spec}'))
    expect(spec).toEqual({ size: 1, color: 'red', parts: [{ weight: 7 }, { weight: 1 }] })
  })

  it.each([
    [{ size: 99 }, 'spec.size: Invalid value: 99: spec.size in body should be less than or equal to 10'],
    [{ size: 0 }, 'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [{}, 'spec.size: Required value'],
    [{ size: 1, color: 'blue' }, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'],
    [{ size: 1, code: 'AB' }, `spec.code: Invalid value: "AB": spec.code in body should match '^[a-z]+$'`],
    [{ size: 1, code: 'abcdef' }, 'spec.code: Too long: may not be more than 5 bytes'],
    [{ size: 1, parts: [{}, {}, {}] }, 'spec.parts: Too many: 3: must have at most 2 items'],
    [{ size: 1, parts: [{ weight: 'x' }] }, 'spec.parts[0].weight in body must be of type integer: "string"'],
    [{ size: 1, port: true }, 'spec.port in body must be of type integer,string: "boolean"'],
  ])('refuses %j by its schema', async (spec, why) => {
    const file = tools.file(widget('refused', spec))
    const said = await kubectl.refused('create', '-f', file)
    expect(said).toContain('The Widget "refused" is invalid')
    expect(said).toContain(why)
    expect(await kubectl('get', 'wd', 'refused', '--ignore-not-found')).toBe('')
  })

  it('refuses a change by its schema, and a whole object without what it needs', async () => {
    await apply('kept', { size: 3 })
    const removed = JSON.stringify([{ op: 'remove', path: '/spec/size' }])
    expect(await kubectl.refused('patch', 'wd', 'kept', '--type=json', '-p', removed)).toContain('Required value')
    expect(await kubectl.refused('create', '-f', tools.file(widget('bare', undefined)))).toContain(
      'spec: Required value',
    )
    expect(await kubectl('get', 'wd', 'kept', '-o', 'jsonpath={.spec.size}')).toBe('3')
  })

  it('scales by the path of its definition', async () => {
    await apply('sized', { size: 1 })
    expect(await kubectl('scale', 'wd/sized', '--replicas=4')).toContain('scaled')
    expect(JSON.parse(await kubectl('get', 'wd', 'sized', '-o', 'jsonpath={.spec}'))).toEqual({ size: 4, color: 'red' })
    const status = JSON.stringify({ status: { size: 3, labels: 'a=b' } })
    await kubectl('patch', 'wd', 'sized', '--subresource=status', '--type=merge', '-p', status)
    expect(await kubectl('get', 'wd', 'sized', '--subresource=scale')).toMatch(/AVAILABLE +AGE\nsized +4 +3 +\d+s\n$/)
  })

  it('applies a List of them, and checks its items', async () => {
    const list = (spec: object) => tools.file({ apiVersion: 'v1', kind: 'List', items: [widget('one', spec)] })
    expect(await kubectl('apply', '-f', list({ size: 1, port: 'http' }))).toContain('/one created')
    expect(await kubectl('apply', '-f', list({ size: 2, port: 80 }))).toContain('/one configured')
    expect(await kubectl.refused('apply', '-f', list({ size: 1, oddity: 1 }))).toContain('unknown field "oddity"')
  })

  it('describes, explains, compares and deletes', async () => {
    await apply('told', { size: 5 })
    expect(await kubectl('describe', 'wd', 'told')).toMatch(/Spec:\n {2}Color: +red\n {2}Size: +5/)
    const explained = await kubectl('explain', 'widgets.spec.size', `--api-version=${group}/v1`)
    expect(explained).toContain('How many.')
    expect((await kubectl.raw('diff', '-f', tools.file(widget('told', { size: 6 })))).stdout).toMatch(/\+ {2}size: 6/)
    expect(await kubectl('delete', 'wd', 'told')).toContain('deleted')
  })
})
