import { expect } from 'vitest'
import type { Told } from '../../../src/relay/index.ts'
import { wrongsOfTold } from '../../support/published-events.ts'

/** Whoever may read all events. */
type Reader = { get(path: string): Promise<{ readonly status: number; readonly body: unknown }> }

/** All that was told in a world is as `docs/events` says; call it when much has been done there. */
export async function expectToldAsPublished(admin: Reader): Promise<void> {
  const { status, body } = await admin.get('/events')
  expect(status).toBe(200)
  const told = body as readonly Told[]
  expect(told.length).toBeGreaterThan(0)
  expect([...new Set(wrongsOfTold(told))]).toEqual([])
}
