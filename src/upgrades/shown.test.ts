import { expect, test } from 'vitest'
import { maskOf, showAll } from '../infra/secrets/mask.ts'
import type { ExecutionObservation, FleetSight } from './core/model.ts'
import { shownSight } from './shown.ts'

type Present = Extract<FleetSight, { kind: 'present' }>

const secret = 'marked-in-the-schema'
const pod = { name: 'web-0', uid: 'uid-0' }
const quiet: Present = {
  ...{ kind: 'present', wanted: 1, places: null, gate: { kind: 'none' }, template: null, pin: null, probes: {} },
  members: [{ pod, key: null, side: 'target', ready: true, terminating: false, problem: null }],
  ...{ refusals: {}, disruptions: null, others: { settled: true, uniform: true, blockers: [] }, whyNoPods: null },
}
const why = `the budget ${secret} needs 2 healthy pods`

const shown = (more: Partial<Present>, mask = maskOf([secret])): Promise<ExecutionObservation> => {
  const seen = { kind: 'seen', releases: [], checks: null, fleet: { ...quiet, ...more } } as const
  return shownSight(seen, async () => mask)
}

test.each<[string, Partial<Present>]>([
  ['a refusal', { refusals: { [pod.uid]: why } }],
  ['what a budget leaves', { disruptions: { left: 0, why } }],
  ['another workload', { others: { ...quiet.others, settled: false, blockers: [why] } }],
  ['why there are no pods', { whyNoPods: why }],
  ['the problem of a pod', { members: [{ ...(quiet.members[0] as Present['members'][number]), problem: why }] }],
])('%s shows no marked value', async (_, more) => {
  expect(JSON.stringify(await shown(more))).not.toContain(secret)
  expect(JSON.stringify(await shown(more, showAll))).toContain(secret)
})

test('what a budget leaves stays the number that it is', async () => {
  const hidden = { left: 1, why: 'the budget *** needs 2 healthy pods' }
  expect(await shown({ disruptions: { left: 1, why } })).toMatchObject({ fleet: { disruptions: hidden } })
})

test.each(['whyNoPods', 'problem'] as const)('wherever %s is cut, no part of a marked value stays', async (field) => {
  for (let before = 250; before < 550; before++) {
    const long = `${'x'.repeat(before)}${secret}`
    const [member] = quiet.members
    const more = field === 'whyNoPods' ? { whyNoPods: long } : { members: [{ ...member, problem: long }] }
    const said = JSON.stringify(await shown(more as Partial<Present>))
    expect(said).toContain('x'.repeat(250))
    expect(said).not.toContain('xm')
    expect(said).not.toContain('x'.repeat(501))
  }
})
