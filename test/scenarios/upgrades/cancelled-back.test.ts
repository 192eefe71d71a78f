import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import type { Execution, RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'
import { neverBelow, sampled } from './support/sampler.ts'

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 6)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
/** Health checks take a while, so that what is in flight is so still when it turns round. */
const slowly = {
  strategy: 'CANARY',
  canaryPercentage: 10,
  maxUnavailablePercentage: 50,
  healthCheckIntervalSeconds: 4,
  healthCheckTimeoutSeconds: 60,
}

const hasEnded = ({ endedAt }: Execution) => endedAt !== null
const moments = ['at once', 'while it goes back'] as const
const cases = (['Deployment', 'StatefulSet', 'DaemonSet'] as const).flatMap((kind) =>
  moments.map((moment): [Kind, (typeof moments)[number]] => [kind, moment]),
)

test.concurrent.each(cases)(
  'a rollback of a %s with instances in flight, cancelled %s, ends when they have settled',
  async (kind, moment) => {
    const fleet = await Fleet.install(world, component, { kind, size: 6 })
    const execution = await fleet.started(slowly)
    await execution.untilStatus('CANARY_MONITORING', patience)
    await execution.give('promote-canary')
    const inFlight = ({ instances }: Execution) => instances.some(({ status }) => status === 'HEALTH_CHECKING')
    await execution.until('instances in flight', inFlight, patience)
    await execution.give('rollback')
    if (moment === 'while it goes back') {
      await execution.until('going back', ({ waitingFor }) => waitingFor?.reason === 'REVERTING', patience)
    }
    await execution.give('cancel')
    const end = execution.until('ended', hasEnded, patience)
    const { result, broken } = await sampled(fleet, execution, [neverBelow(kind === 'Deployment' ? 6 : 3)], end)
    expect(broken).toEqual([])
    expect(result.status).toBe('CANCELLED')
    expect(result.instances.filter(({ status }) => status === 'FAILED')).toEqual([])
    await fleet.reachesReady(6)
    const versions = versionsOf(await fleet.pods())
    const isMixed = Object.keys(versions).length > 1
    const { frozen } = await fleet.release.until('says so', (release) => (release.frozen !== null) === isMixed)
    expect(frozen?.versions ?? versions).toMatchObject(versions)
    const running = result.instances.map(({ version }) => ({ version: version ?? '' }))
    expect(versionsOf(running)).toEqual(versions)
  },
)

test.concurrent('a Deployment that was left so goes back, and forward', async () => {
  for (const to of ['previous', 'target'] as const) {
    const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 6 })
    const execution = await fleet.started({ ...slowly, batchSize: 2 })
    await execution.untilStatus('CANARY_MONITORING', patience)
    await execution.give('promote-canary')
    await execution.until('instances in flight', ({ progress }) => progress.inFlight === 2, patience)
    await execution.give('rollback')
    await execution.give('cancel')
    await execution.untilStatus('CANCELLED', patience)
    await fleet.reachesReady(6)
    expect(Object.keys(versionsOf(await fleet.pods()))).toEqual(['1.0.0', '1.1.0'])
    ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${to}`, undefined))
    await fleet.reaches({ [to === 'previous' ? '1.0.0' : '1.1.0']: 6 })
  }
})
