import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import type { Caller, OnDone } from '../../tenants/index.ts'
import { componentEvent } from '../core/events.ts'
import type { Component } from '../core/model.ts'
import type { RegistryDeps } from '../deps.ts'
import { updateComponent as save } from '../store/components.ts'
import { isDependedOn } from '../store/versions.ts'
import { changeComponent, type Patch, patched } from './change.ts'
import { type NewComponent, nameTaken } from './create-component.ts'

export type ComponentPatch = Patch<NewComponent>

/**
 * Changes the given fields of a component. Throws `not_found`, `conflict` when the new name is taken, and `in_use` when
 * versions depend on the old one: they would depend on nothing.
 */
export function updateComponent(
  deps: RegistryDeps,
  caller: Caller,
  id: Uuid,
  patch: ComponentPatch,
  onDone: OnDone<Component>,
): Promise<Component> {
  const change = async (tx: Tx, before: Component) => {
    const { after: wanted, changed } = patched<Component>(before, patch)
    if (changed.length === 0) return { result: before, events: [] }
    if (changed.includes('name')) await refuseWhereDependedOn(tx, before.name)
    const after: Component = { ...wanted, updatedAt: deps.clock.now() }
    if (!(await save(tx, after))) throw nameTaken(after.name)
    return { result: after, events: [componentEvent(after, 'updated', caller.principal.name, changed)] }
  }
  return changeComponent(deps, caller, id, change, onDone)
}

async function refuseWhereDependedOn(tx: Tx, name: string): Promise<void> {
  if (!(await isDependedOn(tx, name))) return
  throw new Problem('in_use', `Versions depend on the name ${name}`, {
    errors: [{ pointer: '/name', message: 'versions depend on the old one' }],
  })
}
