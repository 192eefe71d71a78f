import type { Json, JsonObject } from '../../core/json.ts'
import type { WorkloadKind, WorkloadRef } from '../core/model.ts'
import { equivalentJson, objectsIn, within } from './gate/json.ts'
import { isOnDelete } from './gate/model.ts'
import { isSame, nameOf, type Rendered, workloadsOf } from './rendered.ts'

/** What two renderings of a release differ in, as far as an upgrade of the target is concerned. Names only, no values. */
export type Change = {
  /** The pods of the target change. */
  readonly podsChange: boolean
  /** The new version does not have the target any more. */
  readonly targetMissing: boolean
  /** Other workloads whose pods change: held too, and moved after the last batch. */
  readonly others: readonly WorkloadRef[]
  /** What changes at once, for every instance: `ConfigMap settings`. */
  readonly atOnce: readonly string[]
  /** The images of the target's pods in the new version. */
  readonly images: readonly string[]
  /** A field that the chart renders and that a gate needs otherwise; null where all can be held, or nothing has to be. */
  readonly cannotGate: CannotGate | null
}
export type CannotGate = {
  readonly workload: WorkloadRef
  readonly field: string
  /** It is not the field that is in the way, but that helm changes it while the gate is closed. */
  readonly changes?: boolean
}

/**
 * Compares what is deployed with what is to be (SPEC section 5, "What is upgraded"). `deployed` is Helm's manifest and
 * the hooks of the newest revision, `wanted` the new version rendered with the same overrides. `unsettled`: the workloads
 * whose pods the newest revision does not tell. Pure.
 */
export function compareRenderings(
  deployed: readonly Rendered[],
  wanted: readonly Rendered[],
  target: WorkloadRef,
  unsettled: readonly WorkloadRef[],
): Change {
  const moved = withUnsettled(movedWorkloads(deployed, wanted), unsettled, wanted)
  const now = workloadsOf(wanted).find((each) => isSame(each, target))
  const others = moved.filter((each) => !isSame(each, target))
  const podsChange = moved.some((each) => isSame(each, target))
  return {
    podsChange,
    targetMissing: now === undefined,
    others,
    atOnce: changedAtOnce(deployed, wanted),
    images: now === undefined ? [] : imagesOf(now.body),
    cannotGate: podsChange
      ? (firstRefused([...deployed, ...wanted], [target, ...others]) ??
        turned(deployed, wanted, [target, ...others]) ??
        dropped(deployed, wanted, [target, ...others]))
      : null,
  }
}

/** Those that run something else than the newest revision's move too, if they stay. */
function withUnsettled(
  moved: readonly WorkloadRef[],
  unsettled: readonly WorkloadRef[],
  wanted: readonly Rendered[],
): readonly WorkloadRef[] {
  const isKnown = (one: WorkloadRef) => moved.some((other) => isSame(other, one))
  const stays = (one: WorkloadRef) => workloadsOf(wanted).some((other) => isSame(other, one))
  return [...moved, ...unsettled.filter((one) => stays(one) && !isKnown(one))]
}

/** Workloads of both renderings whose pod template differs. One that comes or goes has nothing to be held. */
function movedWorkloads(deployed: readonly Rendered[], wanted: readonly Rendered[]): readonly WorkloadRef[] {
  const before = workloadsOf(deployed)
  return workloadsOf(wanted).flatMap((each) => {
    const old = before.find((one) => isSame(one, each))
    if (old === undefined || equivalentJson(templateOf(old.body), templateOf(each.body))) return []
    return [{ kind: each.kind, name: each.name }]
  })
}

const templateOf = (body: JsonObject): JsonObject => within(body, 'spec', 'template')

/** Kinds that are a warning where they differ: instances of the previous version meet them too. */
const warnedKinds: ReadonlySet<string> = new Set(['ConfigMap', 'Secret', 'Service', 'CustomResourceDefinition'])

function changedAtOnce(deployed: readonly Rendered[], wanted: readonly Rendered[]): readonly string[] {
  const before = byName(deployed.filter(isWarned))
  const after = byName(wanted.filter(isWarned))
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names.filter((name) => !equivalentJson(before.get(name), after.get(name)))
}

const isWarned = ({ kind, isHook }: Rendered): boolean => isHook || warnedKinds.has(kind)

function byName(objects: readonly Rendered[]): ReadonlyMap<string, JsonObject> {
  return new Map(objects.map((each) => [`${each.isHook ? 'hook ' : ''}${nameOf(each)}`, each.body]))
}

function imagesOf(body: JsonObject): readonly string[] {
  const spec = within(templateOf(body), 'spec')
  const containers = [...objectsIn(spec.initContainers), ...objectsIn(spec.containers)]
  const images = containers.flatMap(({ image }) => (typeof image === 'string' ? [image] : []))
  return [...new Set(images)]
}

/** The images of all workloads among rendered objects. Pure. */
export function imagesIn(objects: readonly Rendered[]): readonly string[] {
  return [...new Set(workloadsOf(objects).flatMap(({ body }) => imagesOf(body)))]
}

/** Why a fleet cannot be held, in words. */
export function whyNotHeld({ workload, field, changes = false }: CannotGate): string {
  if (changes) return `the chart changes ${nameOf(workload)} ${field}, which would let the instances go: ${only}`
  return `the chart sets ${nameOf(workload)} ${field}, which would hold the instances: ${only}`
}

const only = 'only RECREATE is possible'

function firstRefused(objects: readonly Rendered[], gated: readonly WorkloadRef[]): CannotGate | null {
  const [target] = gated
  const refused = workloadsOf(objects).flatMap(({ kind, name, body }) => {
    const each = { kind, name }
    const field = gated.some((one) => isSame(one, each)) ? refusedOf(each, body, target) : null
    return field === null ? [] : [{ workload: { kind, name }, field }]
  })
  return refused.find(({ workload }) => target !== undefined && isSame(workload, target)) ?? refused[0] ?? null
}

/**
 * A DaemonSet has no other hold than `OnDelete`. Where a chart says that itself and in its other version does not, helm
 * takes it away, on the way there or on the way back, and the controller replaces every pod as it likes. Null where none
 * of those that are to be held does so.
 */
function turned(
  deployed: readonly Rendered[],
  wanted: readonly Rendered[],
  gated: readonly WorkloadRef[],
): CannotGate | null {
  const manual = [...dropsManual(deployed, wanted), ...dropsManual(wanted, deployed)]
  const workload = gated.find((each) => each.kind === 'DaemonSet' && manual.some((one) => isSame(one, each)))
  return workload === undefined ? null : { workload, field: 'spec.updateStrategy.type', changes: true }
}

/**
 * A field around that of the gate which a chart renders in one of its versions only: helm takes it away, on the way there or
 * on the way back, with all that stands in it, whoever has written that. Null where all that are to be held keep theirs.
 */
function dropped(
  deployed: readonly Rendered[],
  wanted: readonly Rendered[],
  gated: readonly WorkloadRef[],
): CannotGate | null {
  const [before, after] = [workloadsOf(deployed), workloadsOf(wanted)]
  const found = gated.flatMap((workload) => {
    const [old, now] = [before, after].map((all) => all.find((each) => isSame(each, workload)))
    const fields = old === undefined || now === undefined ? [] : around[workload.kind]
    const field = fields.find((path) => isRendered(old?.body, path) !== isRendered(now?.body, path))
    return field === undefined ? [] : [{ workload, field: ['spec', ...field].join('.'), changes: true }]
  })
  return found[0] ?? null
}

/** What stands around the field that is the gate, the outermost first: a Deployment is held by one that nothing is around. */
const around: Readonly<Record<WorkloadKind, readonly (readonly string[])[]>> = {
  Deployment: [],
  StatefulSet: [['updateStrategy'], ['updateStrategy', 'rollingUpdate']],
  DaemonSet: [['updateStrategy']],
}

function isRendered(body: JsonObject | undefined, path: readonly string[]): boolean {
  const [name = '', ...outer] = path.toReversed()
  return isSet(within(body, 'spec', ...outer.toReversed())[name])
}

/** Which workloads have their pods replaced only when somebody deletes them in the one rendering, and not in the other. Pure. */
export function dropsManual(one: readonly Rendered[], other: readonly Rendered[]): readonly WorkloadRef[] {
  const after = workloadsOf(other)
  return workloadsOf(one)
    .filter((each) => isOnDelete(each.body) && after.some((now) => isSame(now, each) && !isOnDelete(now.body)))
    .map(({ kind, name }) => ({ kind, name }))
}

/** Beside the target nobody moves pods that are replaced only when somebody deletes them: no gate would ever open for them. */
function refusedOf({ kind, name }: WorkloadRef, body: JsonObject, target: WorkloadRef | undefined): string | null {
  const isBeside = target === undefined || !isSame(target, { kind, name })
  return refusedField(kind, body) ?? (isBeside && isOnDelete(body) ? 'spec.updateStrategy.type' : null)
}

/** Which of these workloads have their pods replaced only when somebody deletes them, as rendered. Pure. */
export function replacedByHand(rendered: readonly Rendered[], among: readonly WorkloadRef[]): readonly WorkloadRef[] {
  const manual = workloadsOf(rendered).filter(({ body }) => isOnDelete(body))
  return among.filter((one) => manual.some((each) => isSame(each, one)))
}

/**
 * The field that a chart renders and that helm would set otherwise than the gate needs it, while the gate is closed: null
 * where there is none. What a gate sets later is no matter, because helm has run by then. Pure.
 */
export function refusedField(kind: WorkloadKind, body: JsonObject): string | null {
  return refusals[kind](within(body, 'spec'))
}

const refusals: Readonly<Record<WorkloadKind, (spec: JsonObject) => string | null>> = {
  Deployment: (spec) => (spec.paused === undefined || spec.paused === null ? null : 'spec.paused'),
  StatefulSet: (spec) => {
    const { type, rollingUpdate } = within(spec, 'updateStrategy')
    if (isSet(within(rollingUpdate).partition)) return 'spec.updateStrategy.rollingUpdate.partition'
    return isSet(type) && type !== 'RollingUpdate' ? 'spec.updateStrategy.type' : null
  },
  DaemonSet: (spec) => {
    const { type } = within(spec, 'updateStrategy')
    return isSet(type) && type !== 'OnDelete' ? 'spec.updateStrategy.type' : null
  },
}

const isSet = (value: Json | undefined): boolean => value !== undefined && value !== null
