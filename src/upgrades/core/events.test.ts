import { describe, expect, test } from 'vitest'
import { given } from './testing/scenario.ts'
import { type Committed, Simulation, say } from './testing/simulation.ts'

function committedOf(simulation: Simulation): readonly Committed[] {
  const all: Committed[] = []
  simulation.onCommit = (committed) => all.push(committed)
  simulation.command(say.start)
  simulation.run()
  return all
}

describe('events', () => {
  test('each step of the execution and of each instance is told, in order', () => {
    const { simulation } = given({ size: 2, faults: { neverReady: [1] } }).untilStatus('FAILED')
    const steps = simulation.events
      .filter(({ type }) => type === 'execution.status-changed')
      .map(({ data }) => data.status)
    expect(steps).toEqual(['VALIDATING', 'IN_PROGRESS', 'FAILED'])
    const statuses = simulation.execution.instances.map(({ id }) =>
      simulation.events
        .filter(({ type, data }) => type === 'execution.instance-changed' && data.instanceId === id)
        .map(({ data }) => String(data.status))
        .filter((status, at, all) => status !== all[at - 1]),
    )
    expect(statuses[0]).toEqual(['UPGRADING', 'HEALTH_CHECKING', 'COMPLETED'])
    expect(statuses[1]).toEqual(['UPGRADING', 'FAILED'])
  })

  test('batches, checks, approvals and endings are told', () => {
    const { simulation } = given({ size: 4, spec: { strategy: 'STAGED', batchSize: 2 } })
      .untilStatus('PAUSED')
      .when('resume')
      .untilStatus('COMPLETED')
    const types = new Set(simulation.events.map(({ type }) => type))
    for (const what of ['batch-started', 'check-changed', 'approved', 'ending', 'waiting', 'instance-changed'])
      expect(types).toContain(`execution.${what}`)
  })

  test('no words enter them: not those of people, of helm or of the cluster', () => {
    const words = ['it never becomes ready', 'helm failed', 'instance 0 (', 'first instance', 'what a person says']
    const runs = [
      given({ size: 2, faults: { neverReady: [0] } }).untilStatus('FAILED'),
      given({ faults: { deployFails: true } }).untilStatus('FAILED'),
      given({ refuses: ['deploy'] }).untilStatus('FAILED'),
    ]
    const paused = given().untilBatch(1)
    expect(paused.simulation.command({ ...say.cancel, reason: 'what a person says' })).toBe(true)
    for (const { simulation } of [...runs, paused.untilStatus('CANCELLED')]) {
      const told = JSON.stringify(simulation.events)
      for (const each of [...words, 'refused in the simulation']) expect(told).not.toContain(each)
      expect(simulation.events.at(-1)?.data.statusReason).toBe(simulation.execution.statusReason)
    }
  })

  test('an instance that did not change keeps its reference, and a look that changes nothing the whole state', () => {
    const committed = committedOf(new Simulation({ size: 6, spec: { batchSize: 2, batchDelaySeconds: 600 } }))
    for (const { before, decision } of committed) {
      const was = new Map(before.instances.map((instance) => [instance.id, instance]))
      for (const instance of decision.state.instances) {
        const known = was.get(instance.id)
        if (known !== undefined && known !== instance) expect(instance).not.toEqual(known)
      }
    }
    const idle = new Simulation({ size: 6, spec: { strategy: 'CANARY' } })
    idle.command(say.start)
    idle.run(({ waitingFor }) => waitingFor?.reason === 'CANARY_PROMOTION').next()
    const before = idle.execution
    idle.step()
    idle.step()
    expect(idle.execution.instances).toBe(before.instances)
    const again = idle.execution
    idle.step()
    expect(idle.execution).toBe(again)
  })
})
