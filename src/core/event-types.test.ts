import { expect, test } from 'vitest'
import { eventTypes, eventTypesNear, isEventType } from './event-types.ts'

test('a type and each of its beginnings up to a dot is one', () => {
  for (const type of eventTypes) {
    const words = type.split('.')
    words.forEach((_, n) => {
      expect(isEventType(words.slice(0, n + 1).join('.'))).toBe(true)
    })
  }
})

test.each([
  ['nope', ['batch', 'execution', 'registry', 'release']],
  ['batch.nope', ['batch.ended', 'batch.progressed', 'batch.requested']],
  ['batch.ended.late', ['batch.ended', 'batch.progressed', 'batch.requested']],
  ['registry.component.gone', ['registry.component.created', 'registry.component.updated']],
  ['rel', ['batch', 'execution', 'registry', 'release']],
])('%s is none, and what may stand there is named', (text, near) => {
  expect(isEventType(text)).toBe(false)
  expect(eventTypesNear(text)).toEqual(near)
})
