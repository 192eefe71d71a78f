import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { eventTypes } from '../src/core/event-types.ts'
import type { Told } from '../src/relay/index.ts'
import { publishedTypes, wrongsOfTold } from './support/published-events.ts'

const ids = { tenantId: randomUUID(), componentId: randomUUID(), executionId: randomUUID() }
const versions = { fromVersion: '1.0.0', toVersion: '1.1.0' }
const told = (type: string, data: Told['data']): Told => ({
  id: randomUUID(),
  subject: { kind: 'execution', id: ids.executionId },
  seq: 1,
  tenantId: ids.tenantId,
  type,
  data,
  at: '2026-01-02T03:04:05.678Z',
})
const warned = { ...ids, ...versions, rehearsal: false, warning: 'PIN_MOVED' }

test('an event as its schema has it is right', () => {
  expect(wrongsOfTold([told('execution.warned', warned)])).toEqual([])
})

test('the types that can be asked for are those that are published', () => {
  expect(publishedTypes.toSorted()).toEqual(eventTypes.toSorted())
})

const { warning: _, ...withoutWarning } = warned
test.each([
  ['of no known type', told('execution.exploded', warned), '/type'],
  ['without a field', told('execution.warned', withoutWarning), "'warning'"],
  ['with a field of another type', told('execution.warned', { ...warned, rehearsal: 'no' }), '/data/rehearsal'],
  ['with a field that is not published', told('execution.warned', { ...warned, values: 'x' }), '"values"'],
  ['of a subject that has no topic', { ...told('x', {}), subject: { kind: 'sink', id: ids.executionId } }, 'sink'],
] as const)('an event %s is not', (_name, event, named) => {
  expect(wrongsOfTold([event]).join('\n')).toContain(named)
})
