import { types } from '../resources/table.ts'
import { jsonEqual } from '../store/equal.ts'
import type { KubeInput, KubeObject } from '../store/types.ts'
import { controllerRef, type Write } from './decision.ts'
import { hashOf } from './hash.ts'
import type { ControllerRevision, PodTemplate } from './model.ts'

/** A workload that keeps the templates it has had as ControllerRevisions. */
export type Revisioned = KubeObject & {
  readonly spec: { readonly template: PodTemplate; readonly revisionHistoryLimit?: number }
}

/** The revision of the present template, all that are known, and the write that makes or renumbers it. */
export type Revisions = {
  readonly update: NamedRevision
  readonly known: readonly ControllerRevision[]
  readonly writes: readonly Write[]
}

/** As much of a revision as pods need of it. */
export type NamedRevision = { readonly name: string; readonly template: PodTemplate }

/** Finds the revision of the present template; one that was used before gets the newest number again. */
export function revisionsOf(workload: Revisioned, owned: readonly ControllerRevision[]): Revisions {
  const known = [...owned].sort((a, b) => a.revision - b.revision)
  const data = dataOf(workload.spec.template)
  const newest = known.at(-1)
  const equal = known.findLast((each) => jsonEqual(each.data, data))
  const number = (newest?.revision ?? 0) + 1
  if (equal === undefined) {
    const input = newRevision(workload, data, number)
    return {
      update: named(input.metadata.name ?? '', data),
      known,
      writes: [{ kind: 'create', type: types.controllerrevisions, input }],
    }
  }
  const renumbered: Write = { kind: 'update', type: types.controllerrevisions, object: { ...equal, revision: number } }
  return { update: named(equal.metadata.name, data), known, writes: equal === newest ? [] : [renumbered] }
}

/** The revision of a name, when it is still known. */
export function revisionNamed({ known, update }: Revisions, name: string | undefined): NamedRevision {
  const found = known.find(({ metadata }) => metadata.name === name)
  return found === undefined ? update : named(found.metadata.name, found.data)
}

/** The removal of revisions that history does not keep and that nothing uses. */
export function prunedRevisions(
  workload: Revisioned,
  { known, update }: Revisions,
  used: ReadonlySet<string>,
): readonly Write[] {
  const unused = known.filter(({ metadata }) => metadata.name !== update.name && !used.has(metadata.name))
  const surplus = unused.length - (workload.spec.revisionHistoryLimit ?? 10)
  return unused
    .slice(0, Math.max(0, surplus))
    .map((object): Write => ({ kind: 'delete', type: types.controllerrevisions, object }))
}

/** What a pod of a revision carries as `controller-revision-hash` in a DaemonSet: the name without the workload's. */
export function hashIn(workload: KubeObject, name: string): string {
  return name.slice(workload.metadata.name.length + 1)
}

function dataOf(template: PodTemplate) {
  return { spec: { template: { ...template, $patch: 'replace' } } }
}

function named(name: string, data: unknown): NamedRevision {
  const { $patch: _, ...template } = (data as ReturnType<typeof dataOf>).spec.template
  return { name, template }
}

const HASH = 'controller.kubernetes.io/hash'
/** Where a revision carries its hash; a DaemonSet has a label of its own for it, which its pods carry too. */
const hashLabels: Readonly<Record<string, string>> = { DaemonSet: 'controller-revision-hash' }

function newRevision(workload: KubeObject, data: unknown, revision: number): KubeInput {
  const hash = hashOf(data)
  const template = (data as ReturnType<typeof dataOf>).spec.template
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${workload.metadata.name}-${hash}`,
      namespace: workload.metadata.namespace ?? 'default',
      labels: { ...template.metadata?.labels, [hashLabels[workload.kind ?? ''] ?? HASH]: hash },
      ownerReferences: [controllerRef(workload)],
    },
    data,
    revision,
  }
}
