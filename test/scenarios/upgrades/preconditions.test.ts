import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetOptions, type Kind, limitPods, makePool, registerFleet } from './support/fleet.ts'
import { neverBelow, type Promised, sampled } from './support/sampler.ts'

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 3)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const install = (options: FleetOptions) => Fleet.install(world, component, options)
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)

test.concurrent('what keeps volumes is not upgraded without a backup; with a recorded one it is', async () => {
  const fleet = await install({ kind: 'StatefulSet', size: 1, values: { claims: true } })
  const before = await fleet.uids()
  const failed = await ended(await fleet.started())
  expect(failed).toMatchObject({ status: 'FAILED', statusReason: 'CHECKS_FAILED' })
  expect(failed.checks).toContainEqual(expect.objectContaining({ name: 'BACKUP', phase: 'PRE', status: 'FAILED' }))
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
  expect(await fleet.uids()).toEqual(before)
  const { tenantId, namespace } = fleet.place
  const backup = { namespace, takenAt: new Date().toISOString(), reference: 's3://backups/app' }
  ok(await world.api.post(`/tenants/${tenantId}/backups`, backup), 201)
  const done = await ended(await fleet.started())
  expect(done.checks).toContainEqual(
    expect.objectContaining({
      name: 'BACKUP',
      status: 'PASSED',
      evidence: expect.objectContaining({ reference: 's3://backups/app' }),
    }),
  )
  expect(done.status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 1 })
})

test.concurrent.each<[Kind, object, string]>([
  ['Deployment', { paused: false }, 'spec.paused'],
  [
    'StatefulSet',
    { updateStrategy: { rollingUpdate: { partition: 0 } } },
    'spec.updateStrategy.rollingUpdate.partition',
  ],
  ['DaemonSet', { updateStrategy: { type: 'RollingUpdate' } }, 'spec.updateStrategy.type'],
])('a %s whose chart renders what holds its instances: only RECREATE remains', async (kind, spec, field) => {
  const fleet = await install({ kind, size: 3, values: { spec } })
  for (const strategy of ['ROLLING', 'CANARY', 'STAGED']) {
    const refusal = problem(await fleet.initiate({ strategy }), 422, 'cannot_gate')
    expect(JSON.stringify(refusal)).toContain(`the chart sets ${kind} app ${field}`)
  }
  const done = await ended(await fleet.started({ strategy: 'RECREATE', healthCheckTimeoutSeconds: 10 }))
  expect(done).toMatchObject({ status: 'COMPLETED', statusReason: null })
  await fleet.reaches({ '1.1.0': 3 })
})

test.concurrent('a Deployment that somebody has paused: the chart is not blamed, and the way out is told', async () => {
  const fleet = await install({ kind: 'Deployment', size: 2 })
  await fleet.touch({ paused: true })
  const refusal = JSON.stringify(problem(await fleet.initiate(), 422, 'cannot_gate'))
  expect(refusal).toContain('paused in the cluster (spec.paused), not by the chart')
  expect(refusal).toContain(`kubectl rollout resume deployment/app -n ${fleet.namespace}`)
  expect(refusal).not.toContain('the chart sets')
  await fleet.touch({ paused: null })
  expect(await ended(await fleet.started())).toMatchObject({ status: 'COMPLETED' })
})

test.concurrent.each<[string, object, string]>([
  [
    'the workload',
    { specs: { '1.1.0': { updateStrategy: { rollingUpdate: { partition: 0 } } } } },
    'StatefulSet app spec.updateStrategy.rollingUpdate.partition',
  ],
  [
    'the workload, by what helm takes away with it',
    { specs: { '1.0.0': { updateStrategy: { type: 'RollingUpdate', rollingUpdate: {} } } } },
    'StatefulSet app spec.updateStrategy',
  ],
  [
    'a second workload',
    { second: true, secondSpecs: { '1.1.0': { paused: false } } },
    'Deployment app-second spec.paused',
  ],
])('a new version that renders what holds %s is refused before anything is made', async (_, values, field) => {
  const fleet = await install({ kind: 'StatefulSet', size: 2, values })
  const target = { kind: 'workload', releaseId: fleet.release.id, workload: { name: 'app' } }
  for (const strategy of ['ROLLING', 'CANARY']) {
    const { detail } = problem(await fleet.initiate({ strategy, target }), 422, 'cannot_gate')
    expect(detail).toContain(field)
  }
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
  expect((await ended(await fleet.started({ strategy: 'RECREATE', target }))).status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 2 })
})

test.concurrent('BLUE_GREEN needs a Deployment behind a Service', async () => {
  const unfit: readonly FleetOptions[] = [
    { kind: 'StatefulSet', size: 1 },
    { kind: 'DaemonSet', size: 3 },
    { kind: 'Deployment', size: 1, values: { service: false } },
  ]
  for (const options of unfit) {
    const { errors } = problem(await (await install(options)).initiate({ strategy: 'BLUE_GREEN' }), 422, 'refused')
    expect(errors?.map(({ pointer }) => pointer)).toEqual(['/strategy'])
  }
})

test.concurrent.each([
  ['selects by version', { serviceByVersion: true }, 'Service app'],
  ['is there no more', { withoutService: '1.1.0' }, 'no Service'],
])('BLUE_GREEN is refused where the Service of the new version %s, and nothing is touched', async (_, values, why) => {
  const fleet = await install({ kind: 'Deployment', size: 2, values })
  const before = [await fleet.uids(), await fleet.endpoints(), await fleet.workload()]
  const { detail, errors } = problem(await fleet.initiate({ strategy: 'BLUE_GREEN' }), 422, 'refused')
  expect(detail).toContain(why)
  expect(errors?.map(({ pointer }) => pointer)).toEqual(['/strategy'])
  expect([await fleet.uids(), await fleet.endpoints(), await fleet.workload()]).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
})

test.concurrent('BLUE_GREEN ends untouched where a Service of another hand would lose its pods, made since initiate', async () => {
  const fleet = await install({ kind: 'Deployment', size: 2 })
  const execution = await fleet.initiated({ strategy: 'BLUE_GREEN' })
  const before = await fleet.uids()
  const [pod] = await world.cluster.pods(fleet.namespace)
  const metadata = { name: 'theirs', namespace: fleet.namespace }
  const spec = { selector: { app: 'app', ver: pod?.metadata.labels?.ver }, ports: [{ port: 80 }] }
  const theirs = { apiVersion: 'v1', kind: 'Service', metadata, spec } as KubeObject
  await world.cluster.client.create(resources.services, theirs)
  await execution.give('start')
  expect((await ended(execution)).status).toBe('FAILED')
  expect(await fleet.uids()).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
})

test.concurrent('who will have no ready instance for a while is warned', async () => {
  const warned: readonly (readonly [FleetOptions, string, boolean])[] = [
    [{ kind: 'StatefulSet', size: 1 }, 'ROLLING', true],
    [{ kind: 'StatefulSet', size: 2 }, 'ROLLING', false],
    [{ kind: 'DaemonSet', size: 3 }, 'RECREATE', true],
    [{ kind: 'Deployment', size: 1 }, 'ROLLING', false],
    [{ kind: 'Deployment', size: 2 }, 'RECREATE', true],
  ]
  for (const [options, strategy, isWarned] of warned) {
    const { warnings } = ok(await (await install(options)).initiate({ strategy }), 201)
    expect(warnings.some(({ code }) => code === 'DOWNTIME')).toBe(isWarned)
  }
})

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'a disruption budget that never lets go of a pod of a %s ends in a failed instance with that reason',
  async (kind) => {
    const fleet = await install({ kind, size: 3, values: { budget: { minAvailable: 100 } } })
    const before = await fleet.uids()
    const done = await ended(await fleet.started({ failureThreshold: 1, batchSize: 1, healthCheckTimeoutSeconds: 4 }))
    expect(done.status).toBe('FAILED')
    const failed = done.instances.filter(({ status }) => status === 'FAILED')
    expect(failed).toHaveLength(1)
    expect(failed[0]?.message).toMatch(/disruption budget/i)
    expect(await fleet.uids()).toEqual(expect.arrayContaining([...before]))
    expect(await fleet.release.read()).toMatchObject({ status: 'FAILED', executionId: null })
  },
)

/** Given a Deployment in a namespace whose quota lets so many more pods in. */
async function crowded(size: number, more: number): Promise<Fleet> {
  const fleet = await install({ kind: 'Deployment', size })
  await limitPods(fleet, size + more, size)
  return fleet
}

const neverMoreThan = (most: number): Promised => {
  return ({ pods }) => (pods.length <= most ? null : `${pods.length} pods, and the quota lets ${most} be`)
}
const roomCheck = (status: string, message: RegExp, left: number) =>
  expect.objectContaining({
    name: 'RESOURCES',
    status,
    message: expect.stringMatching(message),
    evidence: expect.objectContaining({
      pods: left,
      quotas: [{ quota: 'limits', resource: 'pods', left, pods: left }],
    }),
  })

test.concurrent('a quota without room fails the check of BLUE_GREEN, with evidence, and nothing is touched', async () => {
  const fleet = await crowded(3, 2)
  const before = await fleet.uids()
  const done = await ended(await fleet.started({ strategy: 'BLUE_GREEN' }))
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'CHECKS_FAILED' })
  expect(done.checks).toContainEqual(roomCheck('FAILED', /room for 2 more.*needs 3/, 2))
  expect(await fleet.uids()).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
})

test.concurrent('a Deployment without room follows the budget, and says so', async () => {
  const fleet = await crowded(4, 0)
  const execution = await fleet.started({ batchSize: 4, maxUnavailablePercentage: 50, healthCheckTimeoutSeconds: 60 })
  const { result, broken } = await sampled(fleet, execution, [neverBelow(2), neverMoreThan(4)], ended(execution))
  expect(broken).toEqual([])
  expect(result).toMatchObject({ status: 'COMPLETED', currentBatch: 2 })
  expect(result.checks).toContainEqual(roomCheck('WARNING', /budget/, 0))
  await fleet.reaches({ '1.1.0': 4 })
})

test.concurrent('with room for one a batch moves in parts, and nobody ready goes before', async () => {
  const fleet = await crowded(3, 1)
  const execution = await fleet.started({ batchSize: 3, healthCheckTimeoutSeconds: 60 })
  const { result, broken } = await sampled(fleet, execution, [neverBelow(3), neverMoreThan(4)], ended(execution))
  expect(broken).toEqual([])
  expect(result).toMatchObject({ status: 'COMPLETED', currentBatch: 1 })
  expect(result.checks).toContainEqual(roomCheck('PASSED', /room for 1 more/, 1))
  await fleet.reaches({ '1.1.0': 3 })
})

test.concurrent('the only instance without room beside it: downtime is warned of', async () => {
  const fleet = await crowded(1, 0)
  const execution = await fleet.initiated({ healthCheckTimeoutSeconds: 60 })
  const downtime = ({ warnings }: Execution) => warnings.filter(({ code }) => code === 'DOWNTIME')
  expect(downtime(await execution.read())).toHaveLength(1)
  await execution.give('start')
  const done = await ended(execution)
  expect(downtime(done)).toHaveLength(1)
  expect(done.status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 1 })
})
