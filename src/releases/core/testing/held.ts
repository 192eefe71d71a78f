import { isKnown } from '../follow.ts'
import type { HelmRevision, ReleaseState } from '../model.ts'
import { asksTemplates, type HeldTemplates } from '../without-effect.ts'
import type { HelmWorld } from './helmworld.ts'

/** What a look tells of the pod templates of what is held, where it is asked. */
export function templatesSeen(
  { gate, live, heldAt }: HelmWorld,
  state: ReleaseState,
  newest: HelmRevision,
): { readonly heldTemplates?: HeldTemplates } {
  if (!asksTemplates(state, newest, isKnown(state.release, newest))) return {}
  if (gate === 'none') return { heldTemplates: 'unknown' }
  return { heldTemplates: live === heldAt ? 'same' : 'changed' }
}

/** The newest revision is another hand's that has changed nothing of what is held. */
export function isWithoutEffect(world: HelmWorld): boolean {
  return world.live === world.heldAt && isInVain(world)
}

/** The same, as an execution sees it that has not left the fleet yet. */
export function isInVain(world: HelmWorld): boolean {
  const newest = world.newest()
  if (newest === null || !world.foreign.has(newest.secretUid) || world.live === newest.secretUid) return false
  return newest.status === 'failed' || newest.status.startsWith('pending-')
}
