import { describe, expect, test } from 'vitest'
import type { Instant } from '../../core/instant.ts'
import { decideExecution } from './decide.ts'
import type { Execution, FleetSight } from './model.ts'
import { given } from './testing/scenario.ts'

type Look = { readonly fleet: FleetSight; readonly now: Instant }

/** What is decided on a look at the fleet alone. */
function decided(execution: Execution, { fleet, now }: Look) {
  const observation = { kind: 'seen', fleet, releases: [], checks: null } as const
  const decision = decideExecution(execution, { kind: 'observed', observation, attempt: null }, now)
  if (decision.kind !== 'next') throw new Error('a look is not rejected')
  return decision
}

const gone = { kind: 'gone', why: 'Deployment app is another one now' } as const

describe('a target that is gone', () => {
  const begun = () => {
    const { execution, simulation } = given({ size: 4 }).untilBatch(1)
    return { execution, now: simulation.now }
  }

  test('ends, once what is made anew would have come in its place', () => {
    const { execution, now } = begun()
    const first = decided(execution, { fleet: gone, now })
    expect([first.act, first.state.status]).toEqual([null, 'IN_PROGRESS'])
    expect(first.wake).toBe(now + 3_000)
    const last = decided(first.state, { fleet: gone, now: now + 3_000 })
    expect(last.state).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE', frozen: false })
  })

  test('of which something is left ends when that is off, not before', () => {
    const { execution, now } = begun()
    const left = { ...gone, left: true }
    const first = decided(execution, { fleet: left, now })
    expect(first.act?.act).toMatchObject({ kind: 'gate', position: { kind: 'none' } })
    const later = decided(first.state, { fleet: left, now: now + 1_000 })
    expect([later.state.status, later.act?.act.kind]).toEqual(['IN_PROGRESS', 'gate'])
    const off = decided(later.state, { fleet: gone, now: now + 2_000 })
    const last = decided(off.state, { fleet: gone, now: off.wake ?? now })
    expect(last.state).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE', frozen: false })
  })
})
