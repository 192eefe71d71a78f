import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Stored } from './support/cluster.ts'
import { TestNamespace } from './support/namespace.ts'
import { deployment } from './support/workloads.ts'

let namespace: TestNamespace

beforeAll(async () => {
  namespace = await TestNamespace.open()
})
afterAll(() => namespace.close())

const strategy = (maxUnavailable: number) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
})

/** What `helm upgrade` of a chart that sets the strategy does. */
const charted = (app: string, maxUnavailable: number): Promise<Answer> =>
  namespace.attempt('deployments', app, deployment(app, 1, strategy(maxUnavailable)), {
    type: 'apply-patch+yaml',
    query: '?fieldManager=helm',
  })

/** What another manager does that holds a rollout. */
const gated = (app: string, maxUnavailable: number): Promise<Answer> =>
  namespace.attempt('deployments', app, { spec: strategy(maxUnavailable) }, { query: '?fieldManager=gate' })

const entryOf = ({ metadata }: Stored, manager: string): number =>
  ((metadata as { managedFields?: readonly { manager: string }[] }).managedFields ?? []).findIndex(
    (each) => each.manager === manager,
  )

async function withdraw(app: string): Promise<Answer> {
  const at = entryOf(await namespace.get('deployments', app), 'gate')
  return namespace.attempt('deployments', app, [{ op: 'remove', path: `/metadata/managedFields/${at}` }], {
    type: 'json-patch+json',
  })
}

describe('a field that a chart sets and a gate changed', () => {
  it('is a conflict for the chart, also after the value was put back', async () => {
    expect((await charted('conflict', 1)).status).toBe(201)
    expect((await gated('conflict', 2)).status).toBe(200)
    expect((await charted('conflict', 1)).status).toBe(409)
    await gated('conflict', 1)
    expect((await charted('conflict', 3)).status).toBe(409)
  })

  it('is free for the chart once the gate has withdrawn its own entry of the managed fields', async () => {
    await charted('withdrawn', 1)
    await gated('withdrawn', 2)
    await gated('withdrawn', 1)
    expect((await withdraw('withdrawn')).status).toBe(200)
    const answer = await charted('withdrawn', 3)
    expect(answer.status).toBe(200)
    expect(answer.body.spec).toMatchObject(strategy(3))
    expect(entryOf(answer.body, 'gate')).toBe(-1)
  })
})
