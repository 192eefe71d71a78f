import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { testedDialect } from '../../support/tested-helm.ts'
import { eventually } from '../support/eventually.ts'
import { type RegisteredComponent, registerComponent, started, upgradeRequest } from '../support/upgrades.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

// What other hands do to a fleet beneath an execution, and what becomes of both.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerComponent(world.api, { chartName: 'matih-query-engine' }, ['1.2.0', '1.3.0'])
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }

async function begun(place: Place, more: object) {
  const { '1.2.0': fromVersionId, '1.3.0': toVersionId } = component.versions
  return started(world.api, place.tenantId, upgradeRequest(component, { fromVersionId, toVersionId, ...more }))
}

async function deployed(replicaCount: number) {
  const place = world.place()
  const wanted = { chartName: 'matih-query-engine', chartVersion: '1.2.0', valuesOverride: { replicaCount } }
  return { place, release: await place.installed(wanted) }
}

type Service = KubeObject & { readonly spec: { readonly selector: Readonly<Record<string, string>> } }
const hashLabel = 'pod-template-hash'

/** As `kubectl scale` does it: another manager owns `.spec.replicas` afterwards. */
function scaled({ namespace }: Place, name: string, replicas: number) {
  const patch = { type: 'merge', fieldManager: 'kubectl', body: { spec: { replicas } } } as const
  return world.cluster.client.patch(resources.deployments, { namespace, name }, patch)
}

async function pinOf({ namespace }: Place): Promise<string | undefined> {
  const service = await world.cluster.client.find<Service>(resources.services, { namespace, name: 'app' })
  return service?.spec.selector[hashLabel]
}

test.concurrent('a pin that another hand has set to nobody is put right at the next look, and told', async () => {
  const { place } = await deployed(2)
  const timing = { healthCheckIntervalSeconds: 5, healthCheckTimeoutSeconds: 10 }
  const execution = await begun(place, { strategy: 'BLUE_GREEN', ...timing })
  await execution.until('pinned', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  const pinned = await pinOf(place)
  expect(pinned).toBeDefined()
  const body = { spec: { selector: { [hashLabel]: 'nothing' } } }
  const patch = { type: 'merge', fieldManager: 'kubectl', body } as const
  await world.cluster.client.patch(resources.services, { namespace: place.namespace, name: 'app' }, patch)
  const restored = async () => expect(await pinOf(place)).toBe(pinned)
  await eventually('the pin is put right', restored)
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(done.warnings.map(({ code }) => code)).toContain('PIN_RESTORED')
  expect((await execution.events()).map(({ type }) => type)).toContain('execution.pin-restored')
  expect(await pinOf(place)).toBeUndefined()
})

test.concurrent('a deployment that meets the field of another manager leaves nothing frozen, and says why', async () => {
  const { place, release } = await deployed(2)
  await scaled(place, 'app', 3)
  const execution = await begun(place, { batchSize: 1 })
  if (testedDialect === 'v3') {
    // It patches from its own last manifest and never meets the other manager.
    await execution.untilStatus('COMPLETED', patience)
    return
  }
  const done = await execution.untilStatus('FAILED', patience)
  expect(done).toMatchObject({ statusReason: 'DEPLOY_FAILED', progress: { completed: 0, failed: 0 } })
  const why = expect.stringMatching(/^DEPLOY_FAILED: .*spec\.replicas/s)
  expect(done.transitions.at(-1)).toMatchObject({ to: 'FAILED', reason: why })
  expect((await execution.events()).map(({ data }) => data)).toContainEqual(
    expect.objectContaining({ status: 'FAILED', reason: why }),
  )
  expect(await release.read()).toMatchObject({ status: 'FAILED', frozen: null, executionId: null })
  const deployment = await world.cluster.deployment(place.namespace, 'app')
  expect(deployment?.spec.replicas).toBe(3)
  expect(JSON.stringify(deployment)).not.toMatch(/flotilla-gate|2000000000|"paused":true/)
})
