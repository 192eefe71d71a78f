import { Problem } from '../../core/problems.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Caller, OnDone } from '../../tenants/index.ts'
import { componentEvent } from '../core/events.ts'
import type { Component } from '../core/model.ts'
import type { RegistryDeps } from '../deps.ts'
import { insertComponent } from '../store/components.ts'
import { tell } from './change.ts'

export type NewComponent = Omit<Component, 'id' | 'createdAt' | 'updatedAt'>

/** Registers a component. Throws `conflict` when its name is taken. */
export function createComponent(
  deps: RegistryDeps,
  caller: Caller,
  wanted: NewComponent,
  onDone: OnDone<Component>,
): Promise<Component> {
  const now = deps.clock.now()
  const component: Component = { id: deps.newId(), ...wanted, createdAt: now, updatedAt: now }
  const events = [componentEvent(component, 'created', caller.principal.name)]
  return transaction(deps.db, async (tx) => {
    if (!(await insertComponent(tx, component))) throw nameTaken(component.name)
    await tell(tx, deps, caller, { id: component.id, events })
    await onDone(tx, component)
    return component
  })
}

/** Names are unique: dependencies go by them. */
export function nameTaken(name: string): Problem {
  return new Problem('conflict', `There is a component named ${name} already`, {
    errors: [{ pointer: '/name', message: 'is taken' }],
  })
}
