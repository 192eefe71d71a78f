import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import type { WorkloadKind } from '../core/model.ts'
import { compareRenderings, refusedField, replacedByHand } from './change.ts'
import { objectsOf, renderedObjects } from './rendered.ts'

const target = { kind: 'Deployment', name: 'web' } as const
const agentRef = { kind: 'DaemonSet', name: 'agent' } as const
const workload = (kind: WorkloadKind, name: string, tag: string, spec: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'apps/v1', kind, metadata: { name } },
  spec: {
    ...spec,
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: `i:${tag}` }] } },
  },
})
const config = (name: string, value: string, annotations: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations }, data: { value } },
})
const compare = (
  deployed: readonly JsonObject[],
  wanted: readonly JsonObject[],
  unsettled: Parameters<typeof compareRenderings>[3] = [],
) => compareRenderings(renderedObjects(deployed), renderedObjects(wanted), target, unsettled)

describe('a comparison', () => {
  test('names what moves, what moves with it, and what changes at once', () => {
    const hook = { 'helm.sh/hook': 'pre-upgrade' }
    const deployed = [
      workload('Deployment', 'web', '1'),
      workload('StatefulSet', 'store', '1'),
      workload('DaemonSet', 'agent', '1'),
      workload('Deployment', 'leaves', '1'),
      config('settings', 'a'),
      config('same', 'a'),
      config('migrate', 'a', hook),
    ]
    const wanted = [
      workload('Deployment', 'web', '2', { replicas: 3 }),
      workload('StatefulSet', 'store', '2'),
      workload('DaemonSet', 'agent', '1', { minReadySeconds: 3 }),
      workload('Deployment', 'comes', '2'),
      config('settings', 'b'),
      config('same', 'a'),
      config('migrate', 'b', hook),
      config('fresh', 'a'),
    ]
    expect(compare(deployed, wanted)).toEqual({
      podsChange: true,
      targetMissing: false,
      others: [{ kind: 'StatefulSet', name: 'store' }],
      atOnce: ['ConfigMap settings', 'hook ConfigMap migrate', 'ConfigMap fresh'],
      images: ['i:2'],
      cannotGate: null,
    })
  })

  test('sees no change in the order of keys, in nothing and in empty', () => {
    const one = workload('Deployment', 'web', '1')
    const spec = { template: { spec: { volumes: [], containers: [{ image: 'i:1', name: 'web', env: null }] } } }
    const template = { ...spec.template, metadata: { labels: { app: 'web' }, annotations: {} } }
    expect(compare([one], [{ ...one, spec: { template } }]).podsChange).toBe(false)
  })

  test('says where the target is not there any more', () => {
    expect(compare([workload('Deployment', 'web', '1')], [])).toMatchObject({ targetMissing: true, podsChange: false })
  })

  test('reads what helm has stored as helm reads it', () => {
    const text = '---\n# Source: a\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: no}\n'
    expect(objectsOf(text)).toMatchObject([{ kind: 'Deployment', name: 'web', body: { spec: { paused: false } } }])
  })
})

describe('a field that cannot be gated', () => {
  test.each([
    ['Deployment', {}, null],
    ['Deployment', { strategy: { type: 'Recreate' }, minReadySeconds: 5 }, null],
    ['Deployment', { paused: false }, 'spec.paused'],
    ['StatefulSet', { updateStrategy: { type: 'RollingUpdate' } }, null],
    [
      'StatefulSet',
      { updateStrategy: { rollingUpdate: { partition: 0 } } },
      'spec.updateStrategy.rollingUpdate.partition',
    ],
    ['StatefulSet', { updateStrategy: { type: 'OnDelete' } }, 'spec.updateStrategy.type'],
    ['DaemonSet', { updateStrategy: { type: 'OnDelete' } }, null],
    ['DaemonSet', { updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }, null],
    ['DaemonSet', { updateStrategy: { type: 'RollingUpdate' } }, 'spec.updateStrategy.type'],
  ] as const)('%s %o: %s', (kind, spec, field) => {
    expect(refusedField(kind, { spec })).toBe(field)
  })

  test('is named with its workload, the target first, another one only when it moves', () => {
    const rolling = { updateStrategy: { type: 'RollingUpdate' } }
    const agent = (tag: string) => workload('DaemonSet', 'agent', tag, rolling)
    const web = (tag: string, spec: JsonObject = {}) => workload('Deployment', 'web', tag, spec)
    expect(compare([web('1'), agent('1')], [web('2'), agent('1')]).cannotGate).toBeNull()
    expect(compare([web('1'), agent('1')], [web('2'), agent('2')]).cannotGate).toEqual({
      workload: { kind: 'DaemonSet', name: 'agent' },
      field: 'spec.updateStrategy.type',
    })
    const both = compare([agent('1'), web('1', { paused: false })], [agent('2'), web('2')])
    expect(both.cannotGate?.workload).toEqual(target)
  })

  test('is that of pods which somebody has to delete, beside the target', () => {
    const manual = { updateStrategy: { type: 'OnDelete' } }
    const agent = (tag: string) => workload('DaemonSet', 'agent', tag, manual)
    const web = (tag: string) => workload('Deployment', 'web', tag)
    expect(compare([web('1'), agent('1')], [web('2'), agent('2')]).cannotGate).toEqual({
      workload: { kind: 'DaemonSet', name: 'agent' },
      field: 'spec.updateStrategy.type',
    })
    const { others, cannotGate } = compare([web('1'), agent('1')], [web('1'), agent('2')])
    expect([cannotGate, replacedByHand(renderedObjects([web('1'), agent('2')]), others)]).toEqual([null, others])
    expect(
      compareRenderings(renderedObjects([agent('1')]), renderedObjects([agent('2')]), agentRef, []).cannotGate,
    ).toBeNull()
  })

  test('is what helm would take from the gate or give to its controller', () => {
    const manual = workload('DaemonSet', 'agent', '1', { updateStrategy: { type: 'OnDelete' } })
    const own = workload('DaemonSet', 'agent', '2')
    const refused = { workload: agentRef, field: 'spec.updateStrategy.type', changes: true }
    const between = (one: typeof own, other: typeof own) =>
      compareRenderings(renderedObjects([one]), renderedObjects([other]), agentRef, []).cannotGate
    expect([between(manual, own), between(own, manual)]).toEqual([refused, refused])
    expect(between(own, workload('DaemonSet', 'agent', '3'))).toBeNull()
  })

  test.each([
    [
      'StatefulSet',
      { type: 'RollingUpdate', rollingUpdate: {} },
      { type: 'RollingUpdate' },
      'updateStrategy.rollingUpdate',
    ],
    ['StatefulSet', { rollingUpdate: { maxUnavailable: 1 } }, {}, 'updateStrategy.rollingUpdate'],
    ['StatefulSet', { type: 'RollingUpdate', rollingUpdate: {} }, undefined, 'updateStrategy'],
    ['StatefulSet', {}, undefined, 'updateStrategy'],
    ['StatefulSet', { rollingUpdate: {} }, { rollingUpdate: { maxUnavailable: 1 } }, null],
    ['StatefulSet', { type: 'RollingUpdate' }, { type: 'RollingUpdate', rollingUpdate: null }, null],
    ['DaemonSet', { rollingUpdate: { maxUnavailable: 1 } }, undefined, 'updateStrategy'],
    ['DaemonSet', { rollingUpdate: { maxUnavailable: 1 } }, {}, null],
    ['Deployment', { rollingUpdate: {} }, undefined, null],
  ] as const)(
    'is one in which the gate stands, and which helm takes away, there or back: %s %o, %o',
    (kind, one, other, field) => {
      const ref = { kind, name: 'app' }
      const named = kind === 'Deployment' ? 'strategy' : 'updateStrategy'
      const objects = (tag: string, strategy: object | undefined) =>
        renderedObjects([
          workload(kind, 'app', tag, strategy === undefined ? {} : ({ [named]: strategy } as JsonObject)),
        ])
      const refused = field === null ? null : { workload: ref, field: `spec.${field}`, changes: true }
      expect(compareRenderings(objects('1', one), objects('2', other), ref, []).cannotGate).toEqual(refused)
      expect(compareRenderings(objects('1', other), objects('2', one), ref, []).cannotGate).toEqual(refused)
      expect(compareRenderings(objects('1', one), objects('2', one), ref, []).cannotGate).toBeNull()
    },
  )

  test('holds nobody where no pod of the target changes', () => {
    const paused = workload('Deployment', 'web', '1', { paused: false })
    expect(compare([workload('Deployment', 'web', '1')], [paused]).cannotGate).toBeNull()
  })
})

describe('a fleet whose pods the newest revision does not tell', () => {
  const web = workload('Deployment', 'web', '1')
  const agent = { kind: 'DaemonSet', name: 'agent' } as const
  const gone = { kind: 'StatefulSet', name: 'gone' } as const

  test('moves, and so do the workloads that were held beside it, also where the newest revision is what is wanted', () => {
    const both = [web, workload('DaemonSet', 'agent', '1')]
    expect(compare(both, both)).toMatchObject({ podsChange: false, others: [] })
    expect(compare(both, both, [target, agent, gone])).toMatchObject({
      podsChange: true,
      others: [agent],
      cannotGate: null,
    })
  })

  test('is not taken over where the chart would set a held workload free', () => {
    const free = [web, workload('DaemonSet', 'agent', '1', { updateStrategy: { type: 'RollingUpdate' } })]
    const refused = { workload: agent, field: 'spec.updateStrategy.type' }
    expect(compare(free, free, [target, agent]).cannotGate).toEqual(refused)
    expect(compare([web, workload('DaemonSet', 'agent', '1')], free, [target, agent]).cannotGate).toEqual(refused)
  })
})
