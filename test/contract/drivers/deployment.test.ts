import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { noteName } from '../../../src/upgrades/drivers/gate/annotation.ts'
import { fieldManager } from '../../../src/upgrades/drivers/gate/model.ts'
import { TestFleet, uidsOf } from './support/fleet.ts'
import { World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world.close())

const deploymentOf = (options: Parameters<typeof TestFleet.open>[2] = {}) =>
  TestFleet.open(world, 'Deployment', options)

describe('a Deployment under a gate', () => {
  test('closed, a new template moves nothing', async () => {
    const fleet = await deploymentOf()
    await fleet.upgraded()
    await fleet.holds()
    const sight = await fleet.see()
    expect(sight.gate).toEqual({ kind: 'closed' })
    expect(sight.members.map(({ side }) => side)).toEqual(['previous', 'previous', 'previous', 'previous'])
    const { metadata } = await fleet.live()
    const note = JSON.parse(metadata.annotations?.[noteName] ?? '{}')
    expect(note).toMatchObject({ execution: fleet.execution.id, epoch: String(fleet.lease.epoch) })
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
  })

  test('admits exactly as many as it is told, the chosen ones, and completes', async () => {
    const fleet = await deploymentOf({ replicas: 5 })
    await fleet.upgraded()
    const taken = (await fleet.podsOf('1.0.0')).slice(2, 4)
    await fleet.admit(2, 0, taken)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 2 }, 3)
    await fleet.holds()
    const left = uidsOf(await fleet.alive())
    expect(taken.filter(({ uid }) => left.includes(uid))).toEqual([])
    const sight = await fleet.see()
    expect(sight).toMatchObject({ wanted: 5, gate: { kind: 'admitting', upTo: 2, surge: 0 } })
    expect(sight.members.filter(({ side }) => side === 'target')).toHaveLength(2)
    await fleet.admit(5)
    await fleet.reaches({ '2.0.0': 5 })
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'none' })
  })

  test.each([
    { replicas: 1, surge: 1, done: [0, 1], fresh: [1, 1] },
    { replicas: 4, surge: 1, done: [0, 1, 2, 3], fresh: [1, 2, 3, 4] },
    { replicas: 10, surge: 3, done: [0, 3, 6, 9], fresh: [3, 6, 9, 10] },
  ])('with a surge of $surge never fewer than $replicas are ready', async ({ replicas, surge, done, fresh }) => {
    const fleet = await deploymentOf({ replicas })
    await fleet.upgraded()
    for (const [step, completed] of done.entries()) {
      await fleet.admit(completed, surge, (await fleet.podsOf('1.0.0')).slice(0, completed))
      const old = replicas - completed
      await fleet.reaches({ ...(old === 0 ? {} : { '1.0.0': old }), '2.0.0': fresh[step] ?? 0 }, replicas)
    }
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': replicas }, replicas)
  })

  test('at rest it is shut: scaled down and up each version keeps its share, and unpaused by hand it is told to be open', async () => {
    const fleet = await deploymentOf({ replicas: 10 })
    await fleet.upgraded()
    await fleet.admit(3)
    await fleet.reaches({ '1.0.0': 7, '2.0.0': 3 })
    const rests = { kind: 'admitting', upTo: 3, surge: 0, rests: true } as const
    await fleet.gate(rests)
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual(rests)
    await fleet.touch({ replicas: 3 })
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
    await fleet.holds()
    await fleet.touch({ replicas: 6 })
    await fleet.reaches({ '1.0.0': 4, '2.0.0': 2 })
    await fleet.admit(2)
    await fleet.reaches({ '1.0.0': 4, '2.0.0': 2 })
    await fleet.gate({ ...rests, upTo: 2 })
    await fleet.touch({ paused: false })
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 2, surge: 0 })
    await fleet.admit(6)
    await fleet.reaches({ '2.0.0': 6 })
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': 6 })
    expect((await fleet.live()).spec?.paused).toBeUndefined()
  })

  test('at rest new pods stay beside old ones, and go on from there', async () => {
    const fleet = await deploymentOf({ replicas: 4 })
    await fleet.upgraded()
    await fleet.admit(0, 2)
    await fleet.reaches({ '1.0.0': 4, '2.0.0': 2 }, 4)
    await fleet.gate({ kind: 'admitting', upTo: 0, surge: 2, rests: true })
    await fleet.holds()
    await fleet.admit(2)
    await fleet.reaches({ '1.0.0': 2, '2.0.0': 2 }, 4)
    await fleet.gate({ kind: 'admitting', upTo: 2, surge: 0, rests: true })
    await fleet.holds()
  })

  test('none puts back exactly what was there, and helm meets no conflict afterwards', async () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: '10%' } }
    const fleet = await deploymentOf({ spec: { strategy, minReadySeconds: 1, progressDeadlineSeconds: 77 } })
    const before = (await fleet.live()).spec
    await fleet.upgraded()
    await fleet.admit(4)
    await fleet.reaches({ '2.0.0': 4 })
    await fleet.gate({ kind: 'none' })
    const after = await fleet.live()
    expect({ ...after.spec, template: null }).toEqual({ ...before, template: null })
    expect(after.metadata.annotations?.[noteName]).toBeUndefined()
    expect(after.metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
    await fleet.apply('3.0.0', { strategy: { type: 'Recreate' } })
    await fleet.reaches({ '3.0.0': 4 })
  })

  test('what the new version renders of the strategy is what is put back', async () => {
    const fleet = await deploymentOf({ spec: { minReadySeconds: 1 } })
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 0 } }
    await fleet.upgraded('2.0.0', { strategy, minReadySeconds: 2 })
    await fleet.admit(4)
    await fleet.reaches({ '2.0.0': 4 })
    await fleet.gate({ kind: 'none' })
    expect((await fleet.live()).spec).toMatchObject({ strategy, minReadySeconds: 2 })
  })

  test('goes back without restarting what was not upgraded', async () => {
    const fleet = await deploymentOf({ replicas: 6 })
    await fleet.upgraded('2.0.0', { minReadySeconds: 3 })
    await fleet.admit(3)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 3 })
    const untouched = uidsOf((await fleet.alive()).filter(({ spec }) => JSON.stringify(spec).includes(':1.0.0')))
    await fleet.gate({ kind: 'halted' })
    await fleet.holds()
    expect((await fleet.see()).gate).toEqual({ kind: 'halted' })
    await fleet.apply('1.0.0', { minReadySeconds: 0 })
    await fleet.holds()
    await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 1 })
    await fleet.reaches({ '1.0.0': 6 }, 5)
    const present = (await fleet.see()).members.filter(({ terminating }) => !terminating)
    expect(present.every(({ side }) => side === 'previous')).toBe(true)
    await fleet.gate({ kind: 'none' })
    await fleet.holds()
    const now = uidsOf(await fleet.alive())
    expect(untouched.filter((uid) => !now.includes(uid))).toEqual([])
    expect((await fleet.live()).spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: '25%' } } })
    expect((await fleet.live()).spec?.paused ?? false).toBe(false)
  })

  test('tells what is really there when another hand was at it', async () => {
    const fleet = await deploymentOf()
    await fleet.upgraded()
    await fleet.admit(1)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 1 })
    await fleet.touch({ strategy: { rollingUpdate: { maxUnavailable: 3 } } })
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 3, surge: 0 })
    await fleet.touch({ replicas: 6 })
    expect((await fleet.see()).wanted).toBe(6)
    await fleet.admit(1)
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 1, surge: 0 })
    await fleet.gate({ kind: 'halted' })
    await fleet.touch({ paused: false })
    expect((await fleet.see()).gate).toEqual({ kind: 'admitting', upTo: 1, surge: 0 })
  })

  test('that is gone is told to be gone, and so is one that was replaced', async () => {
    const fleet = await deploymentOf({ replicas: 1 })
    await fleet.gate({ kind: 'closed' })
    await fleet.client.delete(resources.deployments, { namespace: fleet.namespace, name: fleet.name })
    const look = { aboutToGo: [], wantsProbe: () => false }
    expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone' })
    await fleet.gate({ kind: 'none' })
    await fleet.apply('1.0.0')
    expect(await fleet.driver.observe(fleet.execution, look)).toMatchObject({ kind: 'gone' })
  })

  test('of the chart moves no other workload ahead', async () => {
    const fleet = await deploymentOf({ replicas: 2 })
    await fleet.applyAs('worker', 'Deployment', '1.0.0', { replicas: 2 })
    await fleet.reaches({ '1.0.0': 2 }, 0, 'worker')
    const others = [{ kind: 'Deployment', name: 'worker' }] as const
    fleet.execution = { ...fleet.execution, change: { podsChange: true, others, surgeRoom: 0 } }
    await fleet.upgraded()
    await fleet.applyAs('worker', 'Deployment', '2.0.0', { replicas: 2 })
    await fleet.admit(2)
    await fleet.reaches({ '2.0.0': 2 })
    expect(await fleet.versions('worker')).toEqual({ '1.0.0': 2 })
    expect((await fleet.see()).others).toMatchObject({
      settled: false,
      uniform: false,
      blockers: ['Deployment worker: it is paused'],
      progress: 2,
    })
    await fleet.gate({ kind: 'none' })
    await fleet.reaches({ '2.0.0': 2 }, 0, 'worker')
    const { metadata } = await fleet.live('worker')
    expect(metadata.annotations?.[noteName]).toBeUndefined()
    expect(metadata.managedFields?.map(({ manager }) => manager)).not.toContain(fieldManager)
  })
})
