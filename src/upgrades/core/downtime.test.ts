import { describe, expect, test } from 'vitest'
import { downtimeOf, downtimeWithout, needsRoom, noSurgeWarnings } from './downtime.ts'
import { type Setup, Simulation } from './testing/simulation.ts'

const of = (setup: Setup) => new Simulation(setup).execution
const codes = (warnings: ReturnType<typeof downtimeOf>) => warnings.map(({ code }) => code)

describe('no ready instance for a while', () => {
  test.each<[string, Setup, boolean, boolean, boolean]>([
    ['one that surges has its new one beside it, if there is room', { size: 1 }, false, true, true],
    ['of several some stay', { size: 4 }, false, false, false],
    ['a budget of all of them', { size: 4, spec: { maxUnavailablePercentage: 100 } }, false, true, true],
    ['an ordered one', { size: 1, kind: 'ordered' }, true, false, false],
    ['several that do not surge', { size: 4, kind: 'nodes' }, false, false, false],
    ['all at once', { size: 4, spec: { strategy: 'RECREATE' } }, true, false, false],
  ])('%s', (_, setup, always, depends, withoutRoom) => {
    const execution = of(setup)
    expect(codes(downtimeOf(execution))).toEqual(always ? ['DOWNTIME'] : [])
    expect(needsRoom(execution)).toBe(depends)
    expect(codes(downtimeWithout(execution, 0))).toEqual(withoutRoom ? ['DOWNTIME'] : [])
    expect(downtimeWithout(execution, 1)).toEqual([])
  })
})

describe('fewer ready instances, because no new one can run beside an old one', () => {
  const why = 'spec.strategy.type is Recreate'
  const capabilities = { surge: false }

  test.each<[Setup, string]>([
    [{ size: 1 }, 'up to 1 of 1 instances are not ready at a time'],
    [{ size: 8 }, 'up to 2 of 8 instances are not ready at a time'],
    [{ size: 8, spec: { batchSize: 1 } }, 'up to 1 of 8 instances are not ready at a time'],
    [{ size: 8, spec: { strategy: 'STAGED', maxUnavailablePercentage: 100 } }, 'up to 5 of 8'],
  ])('%j', (setup, numbers) => {
    const [warning, ...more] = noSurgeWarnings(of({ ...setup, capabilities }), why)
    expect(more).toEqual([])
    expect(warning?.code).toBe('NO_SURGE')
    expect(warning?.message).toContain(why)
    expect(warning?.message).toContain(numbers)
  })

  test('is not warned of where one can, nor where all are replaced at once as was asked for', () => {
    expect(noSurgeWarnings(of({ size: 8 }), null)).toEqual([])
    expect(noSurgeWarnings(of({ size: 8, spec: { strategy: 'RECREATE' } }), why)).toEqual([])
  })
})
