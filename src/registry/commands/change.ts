import { isDeepStrictEqual } from 'node:util'
import type { DomainEvent } from '../../core/events.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { type Caller, recordAudit } from '../../tenants/index.ts'
import type { Component } from '../core/model.ts'
import type { RegistryDeps } from '../deps.ts'
import { lockComponent, recordComponent } from '../store/components.ts'

/** What a change of a component comes to: its answer, and the events that tell of it; none where nothing changed. */
export type Change<T> = { readonly result: T; readonly events: readonly DomainEvent[] }

/**
 * Changes a component, or something of it, in one transaction and under the lock of its row: with its events and its
 * audit entry, or not at all. Throws `not_found` for an unknown component, and what `change` throws.
 */
export function changeComponent<T>(
  deps: RegistryDeps,
  caller: Caller,
  id: Uuid,
  change: (tx: Tx, component: Component) => Promise<Change<T>>,
  onDone: (tx: Tx, result: T) => Promise<void>,
): Promise<T> {
  return transaction(deps.db, async (tx) => {
    const component = await lockComponent(tx, id)
    if (component === null) throw noSuchComponent(id)
    const { result, events } = await change(tx, component)
    await tell(tx, deps, caller, { id, events })
    await onDone(tx, result)
    return result
  })
}

type Told = { readonly id: Uuid; readonly events: readonly DomainEvent[] }

/** Writes events of a component, each with an audit entry of the same name. */
export async function tell(
  tx: Tx,
  deps: RegistryDeps,
  { principal, reason }: Caller,
  { id, events }: Told,
): Promise<void> {
  await recordComponent(tx, id, events, deps.clock.now())
  for (const { type } of events) {
    await recordAudit(tx, deps, { principal, reason, action: type, subject: `component/${id}` })
  }
}

export function noSuchComponent(id: Uuid): Problem {
  return new Problem('not_found', `There is no component ${id}`)
}

export function noSuchVersion(id: Uuid): Problem {
  return new Problem('not_found', `There is no version ${id}`)
}

/** Some fields of something; one that is undefined is not given. */
export type Patch<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** What a patch makes of something, and which fields it gave another value. */
export function patched<T extends object>(
  before: T,
  patch: Patch<T>,
): { readonly after: T; readonly changed: readonly string[] } {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  const was = new Map<string, unknown>(Object.entries(before))
  const changed = given.filter(([field, value]) => !isDeepStrictEqual(was.get(field), value)).map(([field]) => field)
  return { after: { ...before, ...Object.fromEntries(given) }, changed }
}
