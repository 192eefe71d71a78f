import { seconds } from '../../../core/instant.ts'
import { isSettled } from '../choosing.ts'
import { isEdited } from '../edited.ts'
import { hasKnownVersion, isAdmitted, isBack, isInFlight, isOnTarget, targetPod, unavailable } from '../instances.ts'
import type { Execution, ExecutionAct, ExecutionObservation, FleetSight, Instance, Side } from '../model.ts'
import { isTerminal } from '../model.ts'
import { sameJson } from '../planning.ts'
import { letsBe } from '../position.ts'
import { waits } from '../reasons.ts'
import { advance } from '../rehearsal/fleet.ts'
import { graceEnds, isReady, refOf, type World, type WorldPod } from '../rehearsal/world.ts'
import { budgetNow } from '../stopping.ts'
import { strategyOf } from '../strategies/index.ts'
import { transitionTable } from '../transitions.ts'
import { letGoInVain } from './in-vain.ts'
import { leftInFlight } from './left-in-flight.ts'
import type { Committed, Simulation } from './simulation.ts'

/** Watches over a simulation: throws, naming the number of `SPEC.md`, as soon as a decision breaks an invariant. */
export class Guard {
  private readonly simulation: Simulation
  private readonly calm: boolean
  private untouched: readonly string[] = []
  private highestGate = 0
  private readyBefore = 0
  /** Until then it is still building up: how many are ready is not ours to keep. */
  private hasBeenWhole = false
  private lastAct: { readonly act: ExecutionAct; readonly at: number; readonly done: () => boolean } | null = null

  /** `calm`: nothing disturbs the fleet but the faults that it was made with. */
  constructor(simulation: Simulation, calm = false) {
    this.simulation = simulation
    this.calm = calm
    simulation.onCommit = (committed) => this.check(committed)
  }

  /**
   * Something is done to the fleet by others. While the execution says that it rests, no gate stands open: nothing of the
   * target version comes but in the place of what went.
   */
  disturb(change: (world: World) => World): void {
    const before = advance(this.simulation.world, this.simulation.now)
    const after = change(before)
    this.simulation.world = after
    if (!saysItRests(this.simulation) || after.wanted > before.wanted) return
    const born = after.pods.filter(({ serial, side }) => side === 'target' && serial >= before.serial).length
    const gone =
      targetsIn(before) - targetsIn({ ...after, pods: after.pods.filter(({ serial }) => serial < before.serial) })
    const killed = after.wanted === before.wanted ? gone : 0
    must(
      born <= killed,
      18,
      `${born} of the target version started at rest, when ${before.wanted} became ${after.wanted}`,
    )
  }

  private check(committed: Committed): void {
    const { before, decision, seen } = committed
    const after = decision.state
    transitionsHold(before, after)
    const turns = before.status !== 'ROLLING_BACK' && after.status === 'ROLLING_BACK'
    must(!turns || decision.act === null, 3, 'turning round starts something')
    failuresHold(before, after)
    waitsAreTold(this.simulation, committed)
    nothingStartsEmpty(before, after, decision.act?.act ?? null, seen)
    nothingStartsAtRest(before, after, decision.act?.act ?? null, this.highestGate, seen)
    nothingForeignIsTaken(before, after, decision.act?.act ?? null, seen)
    const inVain = letGoInVain(this.simulation.world, after, decision.act?.act ?? null, seen)
    must(inVain === null, 12, `the ${inVain} comes off for a revision without effect`)
    if (decision.act !== null) this.checkAct(before, after, decision.act.act, seen)
    if (this.calm) this.checkFleet(before, after)
    if (isTerminal(after.status) && !isTerminal(before.status)) endHolds(this.simulation, after, seen)
    if (isTerminal(after.status) && !isTerminal(before.status))
      flightHolds(this.simulation.now, before, after, fleetIn(seen))
  }

  /** What only holds where nobody else breaks, kills or scales: of the fleet itself, not of what we know of it. */
  private checkFleet(before: Execution, after: Execution): void {
    if (after.status === 'COMPLETED' || after.status === 'ROLLED_BACK') nobodyIsLeaving(this.simulation, after)
    nobodyIsToldAhead(after)
    const { faults } = this.simulation.world
    this.hasBeenWhole ||= readyInWorld(this.simulation) === this.simulation.world.wanted
    if (this.hasBeenWhole && Object.keys(faults).length === 0) enoughIsReady(this.simulation, after)
    if (Object.keys(faults).length === 0) this.budgetIsHeld(after)
    if (this.simulation.world.kind === 'ordered') nobodyIsAhead(this.simulation, after)
    if (after.status !== 'ROLLING_BACK' && after.status !== 'ROLLED_BACK') return
    if (before.status !== 'ROLLING_BACK') this.untouched = podsOf(before, ({ status }) => status === 'PENDING')
    const world = advance(this.simulation.world, this.simulation.now)
    const pods = new Set(world.pods.filter(({ goneAt }) => goneAt === null).map((pod) => refOf(world, pod).uid))
    const restarted = this.untouched.filter((uid) => !pods.has(uid))
    must(restarted.length === 0, 5, `${restarted.join(', ')} never left the previous version and is restarted`)
  }

  /** On the way back a disruption budget is not broken by what goes; what was broken before is not its matter. */
  private budgetIsHeld(after: Execution): void {
    const { minAvailable = 0 } = this.simulation.world
    const ready = readyInWorld(this.simulation)
    const asks = after.stage === 'reverting' && strategyOf(after).asksBefore
    const holds = !asks || this.readyBefore < minAvailable || ready >= minAvailable
    must(holds, 5, `${ready} are ready, and a disruption budget wants ${minAvailable}`)
    this.readyBefore = asks ? ready : 0
  }

  private checkAct(before: Execution, after: Execution, act: ExecutionAct, seen: ExecutionObservation | null): void {
    const { now, simulation } = { now: this.simulation.now, simulation: this.simulation }
    if (!isOutage(seen)) this.notRepeated(act, now)
    if (act.kind === 'gate') {
      budgetHolds(before, after, act)
      takesWhatIsLetGo(act, seen)
      if (act.position.kind === 'admitting') this.highestGate = Math.max(this.highestGate, letsBe(act.position))
    }
    if (act.kind === 'pin' && act.to !== null) pinHolds(after, act.to, seen)
    const seq = (simulation.attempt?.seq ?? 0) + 1
    const done = () => simulation.attempt?.seq === seq && simulation.attempt.result === 'done'
    this.lastAct = { act, at: now, done }
  }

  private notRepeated(act: ExecutionAct, now: number): void {
    const { lastAct } = this
    if (lastAct === null || !lastAct.done() || !sameJson(lastAct.act, act)) return
    must(now - lastAct.at >= seconds(5), 13, `${act.kind} is repeated after ${now - lastAct.at} ms`)
  }
}

/** Where nobody else touches the fleet, whoever moved was let go. A node's pod that dies is not touched either. */
function nobodyIsToldAhead({ instances }: Execution): void {
  const ahead = instances.filter((one) => one.ahead === true).map(({ index }) => index)
  must(ahead.length === 0, 21, `${ahead.join(', ')} are told to have moved without being let go`)
}

/** A pin that serves nobody is put right at every look. */
function isOutage(seen: ExecutionObservation | null): boolean {
  const pin = fleetIn(seen)?.pin ?? null
  return pin !== null && (pin.to === 'other' || pin.endpoints === 0)
}

/** Nothing is in flight, the newest act is done, and what is waited for is a person or a time. */
function saysItRests({ execution, attempt }: Simulation): boolean {
  if (execution.stage !== 'moving' || strategyOf(execution).switches || !isSettled(execution)) return false
  return attempt?.result === 'done' && rests.includes(execution.waitingFor?.reason ?? '')
}

const rests: readonly string[] = [
  waits.approval,
  waits.paused,
  waits.delay,
  waits.promotion,
  waits.budget,
  waits.canaryFailed,
]

const targetsIn = ({ pods }: World): number =>
  pods.filter(({ side, goneAt }) => side === 'target' && goneAt === null).length

function must(holds: boolean, invariant: number, what: string): void {
  if (!holds) throw new Error(`invariant ${invariant}: ${what}`)
}

function transitionsHold(before: Execution, after: Execution): void {
  let at = before.status
  for (const { from, to } of after.transitions.slice(before.transitions.length)) {
    must(from === at, 3, `a step from ${from} is recorded in ${at}`)
    must(transitionTable[from].includes(to), 3, `a step from ${from} to ${to}`)
    at = to
  }
  must(at === after.status, 3, `${after.status} is not where the recorded steps lead`)
}

function failuresHold(before: Execution, after: Execution): void {
  const was = new Map(before.instances.map((instance) => [instance.id, instance.status]))
  const fresh = after.instances.filter(({ id, status }) => status === 'FAILED' && was.get(id) !== 'FAILED').length
  const counted = after.rollbackInfo.currentFailures - before.rollbackInfo.currentFailures
  const expected = before.status === 'ROLLING_BACK' ? 0 : fresh
  // What the end leaves in the middle is FAILED too, and has not failed by itself.
  const holds = isTerminal(after.status) ? counted <= expected : counted === expected
  must(holds, 4, `${fresh} became FAILED in ${before.status} and ${counted} were counted`)
}

function waitsAreTold({ now }: Simulation, { decision, seen }: Committed): void {
  const { state, act, wake } = decision
  if (isTerminal(state.status)) {
    must(act === null && wake === null && state.waitingFor === null, 2, 'something is due after the end')
    return
  }
  must(act !== null || wake !== null, 7, `nothing is due in ${state.status} ${state.stage}`)
  must(state.waitingFor !== null, 7, `${state.status} ${state.stage} does not say what it waits for`)
  const until = state.waitingFor?.until ?? null
  must(until !== null, 7, `${state.waitingFor?.reason} has no end`)
  if (seen !== null && act === null && wake !== null && wake > now) {
    must(
      until !== null && until >= now && until <= now + seconds(86_400 + 60),
      7,
      `${state.waitingFor?.reason} until ${until}`,
    )
  }
}

type SeenFleet = Extract<FleetSight, { kind: 'present' }>

function fleetIn(seen: ExecutionObservation | null): SeenFleet | null {
  return seen?.kind === 'seen' && seen.fleet?.kind === 'present' ? seen.fleet : null
}

/** More are let go than are now. */
function raisesGate(act: ExecutionAct | null, { gate }: SeenFleet): boolean {
  return act?.kind === 'gate' && act.position.kind === 'admitting' && letsBe(act.position) > letsBe(gate)
}

/** Where no instance is wanted nothing is deployed or let go, and no canary is taken for proved. */
function nothingStartsEmpty(
  before: Execution,
  after: Execution,
  act: ExecutionAct | null,
  seen: ExecutionObservation | null,
): void {
  const fleet = fleetIn(seen)
  const watches = before.status !== 'CANARY_MONITORING' && after.status === 'CANARY_MONITORING'
  must(!watches || after.instances.some(({ status }) => status === 'COMPLETED'), 19, 'an empty canary is monitored')
  if (fleet === null || fleet.wanted > 0 || act === null) return
  must(act.kind !== 'deploy' || before.deployed, 19, 'helm runs though no instance is wanted')
  must(!raisesGate(act, fleet), 19, 'the gate is raised though no instance is wanted')
}

/** While the template is another hand's no gate is raised, no traffic given to the new set, and nothing found to be COMPLETED. */
function nothingForeignIsTaken(
  before: Execution,
  after: Execution,
  act: ExecutionAct | null,
  seen: ExecutionObservation | null,
): void {
  const fleet = fleetIn(seen)
  if (fleet === null || before.ending !== null || !isEdited(before, fleet)) return
  must(after.ending?.to !== 'COMPLETED', 20, 'COMPLETED on a template of another hand')
  must(!raisesGate(act, fleet), 20, 'the gate is raised for a template of another hand')
  must(act?.kind !== 'gate' || act.position.kind !== 'none' || after.ending !== null, 20, 'the gate comes off for it')
}

/** In PAUSED and after the end is decided, no act lets more instances move than before. */
function nothingStartsAtRest(
  before: Execution,
  after: Execution,
  act: ExecutionAct | null,
  highest: number,
  seen: ExecutionObservation | null,
): void {
  const rests = before.status === 'PAUSED' && after.status === 'PAUSED'
  const ends = before.ending !== null && after.ending !== null
  if ((!rests && !ends) || act === null) return
  // Where helm has gone back the gate lets so many be on the previous version.
  if (act.kind === 'gate' && act.position.kind === 'admitting' && fleetIn(seen)?.template !== 'previous') {
    const gate = seen?.kind === 'seen' && seen.fleet?.kind === 'present' ? letsBe(seen.fleet.gate) : highest
    const moved = after.instances.filter((one) => targetPod(one) !== null || one.pod === null).length
    const sum = letsBe(act.position)
    must(sum <= Math.max(highest, gate, moved), 2, `the gate is raised to ${sum} from ${highest} at rest`)
  }
  must(act.kind !== 'deploy' && act.kind !== 'undo', 2, `${act.kind} at rest`)
}

/** What we let go leaves no more unavailable than allowed; what was unready already costs nothing. */
function budgetHolds(before: Execution, after: Execution, act: Extract<ExecutionAct, { kind: 'gate' }>): void {
  if (act.position.kind !== 'admitting' || !strategyOf(after).budgeted) return
  const was = new Map(before.instances.map((instance) => [instance.id, instance]))
  const goes = (instance: Instance): boolean => {
    const known = was.get(instance.id)
    return isAdmitted(instance) && !instance.surge && instance.ready && known !== undefined && !isAdmitted(known)
  }
  if (!after.instances.some((instance) => goes(instance) && instance.side !== 'target' && instance.nextPod === null))
    return
  const gone = unavailable(after.instances)
  must(gone <= budgetNow(after), 1, `${gone} of ${after.currentInstances} are unavailable, ${budgetNow(after)} may be`)
}

/** An ordered gate counts from the highest ordinal: a pod below what it lets go would come back in its own version. */
function takesWhatIsLetGo(act: Extract<ExecutionAct, { kind: 'gate' }>, seen: ExecutionObservation | null): void {
  if (act.position.kind !== 'admitting' || seen?.kind !== 'seen' || seen.fleet?.kind !== 'present') return
  const { places, members, wanted } = seen.fleet
  if (places === null) return
  const first = wanted - act.position.upTo
  const letGo = new Set(places.slice(Math.max(0, first)).map(({ key }) => key))
  const keys = new Map(members.map(({ pod, key }) => [pod.uid, key]))
  const kept = act.take.filter(({ uid }) => !letGo.has(keys.get(uid) ?? ''))
  must(
    kept.length === 0,
    17,
    `${kept.map(({ name }) => name).join(', ')} is taken, and the gate lets ${act.position.upTo} go`,
  )
}

function pinHolds(after: Execution, to: Side, seen: ExecutionObservation | null): void {
  if (seen?.kind !== 'seen' || seen.fleet?.kind !== 'present') return
  const serves = seen.fleet.members.some(({ side, ready, terminating }) => side === to && ready && !terminating)
  must(serves, 8, `pinned to ${to}, where nobody is ready`)
  const passed = after.instances.every(({ status }) => status === 'COMPLETED')
  must(to !== 'target' || passed, 8, 'pinned to a set that has not passed')
}

/** What holds at the end, whatever it is. */
function endHolds(simulation: Simulation, after: Execution, seen: ExecutionObservation | null): void {
  const world = advance(simulation.world, simulation.now)
  must(!after.claiming && after.ending === null && after.endedAt !== null, 9, 'the end is not complete')
  must(!after.instances.some(isInFlight), 15, 'an instance is under way after the end')
  if (seen === null || after.transitions.at(-2)?.to === undefined || !after.deployed) return
  const { kind } = world.gate
  must(kind === 'none' || kind === 'frozen', 9, `the gate is left ${kind}`)
  must(after.frozen === (kind === 'frozen'), 9, `frozen is ${after.frozen} and the gate ${kind}`)
  must(!after.frozen || wouldMove(world, seen), 9, 'frozen though without the gate nothing would move')
  const open = world.releases.filter((one) => one.deploy.kind === 'held' || one.undo.kind === 'held')
  must(open.length === 0, 9, 'an operation still waits for a verdict')
  if (world.pin !== null) must(kind === 'frozen', 8, 'a pin is left on a fleet that is free')
  if (after.status === 'FAILED' || after.status === 'CANCELLED') leftHolds(after)
  if (after.status === 'COMPLETED') completedHolds(after)
  if (after.status === 'ROLLED_BACK') rolledBackHolds(simulation, after)
}

function flightHolds(now: number, before: Execution, after: Execution, fleet: SeenFleet | null): void {
  const broken = fleet === null ? null : leftInFlight(now, before, after, fleet)
  must(broken === null, 22, broken ?? '')
}

function wouldMove({ template, pods, hand }: World, seen: ExecutionObservation): boolean {
  // Whoever changes the template may do so when it is frozen already.
  if (hand !== undefined) return true
  if (seen.kind !== 'seen' || seen.fleet?.kind !== 'present' || !seen.fleet.others.uniform) return true
  return template === 'target' || pods.some(({ side, goneAt }) => side === 'target' && goneAt === null)
}

/** What stands of an instance is what was seen of it, or says that nothing was. */
function leftHolds({ instances }: Execution): void {
  for (const one of instances) {
    const { index, status, side, message, unchanged } = one
    must(hasKnownVersion(one) || message !== null, 15, `instance ${index} has no version and says nothing`)
    const runsTarget = unchanged || targetPod(one) !== null
    must(status !== 'COMPLETED' || runsTarget, 15, `instance ${index} is COMPLETED and not on the target version`)
    must(status !== 'ROLLED_BACK' || side === 'previous', 15, `instance ${index} is ROLLED_BACK and not back`)
  }
}

function completedHolds(after: Execution): void {
  // A place that is empty lost its pod after it had passed: what comes is of the target version, as the workload says.
  const ends = (one: Instance): boolean => one.unchanged || isOnTarget(one) || one.pod === null
  const done = (one: Instance): boolean => one.status === 'COMPLETED' && ends(one)
  must(after.instances.some(done), 19, 'COMPLETED though no instance was verified')
  must(after.instances.every(done), 10, 'COMPLETED though an instance does not run the target version')
}

function rolledBackHolds(simulation: Simulation, after: Execution): void {
  if (after.change?.podsChange === false) return
  must(after.instances.every(isBack), 6, 'ROLLED_BACK though an instance is not back')
  const world = advance(simulation.world, simulation.now)
  const away = world.pods.filter(({ side, goneAt }) => side === 'target' && goneAt === null)
  must(away.length === 0, 6, `ROLLED_BACK though ${away.map((pod) => refOf(world, pod).name).join(', ')} runs`)
}

/** Nothing counts as gone before it is, or has outlived its grace period by as long as an instance may take. */
function nobodyIsLeaving(simulation: Simulation, { status, spec }: Execution): void {
  const { now, world } = simulation
  const patience = seconds(spec.healthCheckTimeoutSeconds)
  const isAwaited = ({ goneAt }: WorldPod): boolean => goneAt !== null && now < graceEnds(world, goneAt) + patience
  const going = advance(world, now).pods.filter(isAwaited)
  const names = going.map((pod) => refOf(simulation.world, pod).name).join(', ')
  must(going.length === 0, 16, `${status} while ${names} are on their way out`)
}

/** Where each place has a name, a pod of the target version is in one that was let go. */
function nobodyIsAhead(simulation: Simulation, { status, stage, instances }: Execution): void {
  if (stage !== 'moving' || status === 'PAUSED') return
  const letGo = new Set(instances.filter(isAdmitted).map(({ key }) => key))
  const world = advance(simulation.world, simulation.now)
  const ahead = world.pods.filter(({ slot, side }) => side === 'target' && !letGo.has(String(slot)))
  must(ahead.length === 0, 17, `${ahead.map((pod) => refOf(world, pod).name).join(', ')} runs ahead`)
}

function podsOf(execution: Execution, wanted: (instance: Instance) => boolean): readonly string[] {
  return execution.instances.filter(wanted).flatMap(({ pod }) => pod?.uid ?? [])
}

/** In a sound fleet there are always as many ready pods as the budget promises. */
function enoughIsReady(simulation: Simulation, after: Execution): void {
  if (after.spec.strategy === 'RECREATE') return
  const least = simulation.world.wanted - budgetNow(after)
  const ready = readyInWorld(simulation)
  must(ready >= least, 1, `${ready} of ${simulation.world.wanted} are ready, at least ${least} should be`)
}

/** How many pods are ready in the world now. */
export function readyInWorld(simulation: Simulation): number {
  const world = advance(simulation.world, simulation.now)
  return world.pods.filter((pod) => pod.goneAt === null && isReady(world, pod, simulation.now)).length
}
