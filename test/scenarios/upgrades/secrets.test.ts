import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ok } from '../support/api.ts'
import type { Execution, RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, limitPods, registerFleet } from './support/fleet.ts'

vi.setConfig({ testTimeout: 150_000 })
let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

/** It is what the schema of the chart marks; names of objects are made of it, as a chart may do. */
const password = 'canary-in-the-fleet'
const patience = { withinMs: 60_000 }

test('what a schema marks stands in nothing that is said of an execution: waits, instances, transitions, checks', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values: { password } })
  const execution = await fleet.started({
    strategy: 'STAGED',
    batchSize: 1,
    healthCheckTimeoutSeconds: 12,
    failureThreshold: 1,
  })
  await execution.untilStatus('PAUSED', patience)
  await limitPods(fleet, 2, 2, password)
  await execution.give('resume')
  const says = ({ waitingFor }: Execution) => waitingFor?.detail?.includes('exceeded quota') === true
  const waiting = await execution.until('it says why no pod comes', says, patience)
  expect(waiting.waitingFor?.detail).toContain('exceeded quota: ***')
  const done = await execution.until(
    'it has ended',
    ({ status }) => ['FAILED', 'ROLLED_BACK'].includes(status),
    patience,
  )
  expect(JSON.stringify(done.transitions)).toContain('exceeded quota: ***')
  const path = `/registry/upgrades/${done.id}`
  const events = ok(await world.api.get(`${path}/events`))
  expect(JSON.stringify([waiting, done, events, ok(await world.api.get(path))])).not.toContain(password)
  expect(world.flotilla.log.join('\n')).not.toContain(password)
})
