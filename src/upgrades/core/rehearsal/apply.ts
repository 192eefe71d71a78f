import type { Instant } from '../../../core/instant.ts'
import type { Uuid } from '../../../core/subject.ts'
import type { Capabilities, ExecutionAct, GatePosition, Verdict } from '../model.ts'
import { advance } from './fleet.ts'
import { childNow, type FleetKind, refOf, toldToGo, type World, type WorldChild, type WorldRelease } from './world.ts'

/** What the fleets can do; a rehearsal's is like a Deployment that can also be pinned. */
export const capabilitiesOf: Readonly<Record<FleetKind, Capabilities>> = {
  surging: { hold: 'gate', surge: true, ordered: false, pin: true },
  ordered: { hold: 'gate', surge: false, ordered: true, pin: false },
  nodes: { hold: 'gate', surge: false, ordered: false, pin: false },
  each: { hold: 'each', surge: false, ordered: false, pin: false },
}

type Apply<K extends ExecutionAct['kind']> = (world: World, act: Extract<ExecutionAct, { kind: K }>) => World
const appliers: { readonly [K in ExecutionAct['kind']]: Apply<K> } = { gate, pin, deploy, conclude, undo, removePods }

/** The world after an act. Repeatable: what is already so stays so. */
export function applyAct(stored: World, act: ExecutionAct, now: Instant): World {
  const world = advance(stored, now)
  const apply = appliers[act.kind] as (world: World, act: ExecutionAct) => World
  return advance({ ...apply(world, act), writes: world.writes + 1 }, now)
}

function gate(world: World, { position, take }: Extract<ExecutionAct, { kind: 'gate' }>): World {
  const marked = take.map(({ uid }) => uid)
  if (world.kind !== 'ordered') return { ...world, gate: position, marked }
  return { ...world, gate: position, marked, partition: partitionAt(world, position) }
}

/** As high as no ordinal is. */
const shut = 2_147_483_647

function partitionAt({ wanted, partition = shut }: World, position: GatePosition): number {
  if (position.kind === 'frozen') return partition
  if (position.kind === 'none' || position.kind === 'reverting') return 0
  return position.kind === 'admitting' && position.upTo > 0 ? Math.max(0, wanted - position.upTo) : shut
}

function pin(world: World, { to }: Extract<ExecutionAct, { kind: 'pin' }>): World {
  return { ...world, pin: to }
}

/** How long helm takes. */
const helmMs = 1000

function deploy(world: World, { releaseIds }: Extract<ExecutionAct, { kind: 'deploy' }>): World {
  return updated(world, releaseIds, (release) =>
    release.deploy.kind === 'absent'
      ? { ...release, deploy: { kind: 'running', until: world.at + helmMs }, revision: release.revision + 1 }
      : release,
  )
}

function undo(world: World, { releaseIds }: Extract<ExecutionAct, { kind: 'undo' }>): World {
  return updated(world, releaseIds, (release) =>
    release.undo.kind === 'absent'
      ? { ...release, undo: { kind: 'running', until: world.at + helmMs }, revision: release.revision + 1 }
      : release,
  )
}

function conclude(world: World, { which, releaseIds, verdict }: Extract<ExecutionAct, { kind: 'conclude' }>): World {
  return updated(world, releaseIds, (release) => ({ ...release, [which]: concluded(world, release[which], verdict) }))
}

/** An operation that helm still works on ends when helm has; one that has ended stays as it is. */
function concluded(world: World, child: WorldChild, verdict: Verdict): WorldChild {
  const now = childNow(world, child, world.at)
  if (now.kind === 'running') return child
  if (now.kind !== 'held') return now
  if (verdict.kind === 'ready') return { kind: 'succeeded' }
  return { kind: 'failed', code: verdict.code, detail: verdict.detail }
}

function updated(world: World, ids: readonly Uuid[], change: (release: WorldRelease) => WorldRelease): World {
  const named = new Set(ids)
  return { ...world, releases: world.releases.map((one) => (named.has(one.releaseId) ? change(one) : one)) }
}

function removePods(world: World, { pods }: Extract<ExecutionAct, { kind: 'removePods' }>): World {
  const gone = new Set(pods.map(({ uid }) => uid))
  return {
    ...world,
    pods: world.pods.map((pod) =>
      gone.has(refOf(world, pod).uid) && pod.goneAt === null ? toldToGo(world, pod) : pod,
    ),
  }
}
