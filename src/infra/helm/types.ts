import type { Instant } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { ClusterEndpoint } from '../kubernetes/index.ts'
import type { RefusedAnswer } from './gateway/refused-answer.ts'

/** Where a cluster is and how to speak to it; helm itself never sees it. */
export type { ClusterEndpoint }

/** The part of a lease that helm needs: aborted or nothing left means that no write may go out any more. */
export interface LeaseView {
  readonly signal: AbortSignal
  remainingMs(): number
}

/**
 * What helm finds in its storage and makes there: the newest revision before it (0 and null where there is none), and
 * whether it makes a revision that carries the operation's label, one that does not (a rollback), or none (an uninstall).
 */
export type ExpectedRecords = {
  readonly before: { readonly revision: number; readonly secretUid: string | null }
  readonly makes: 'labelled' | 'unlabelled' | 'nothing'
  readonly operationId: Uuid
}

/** A chart packaged as .tgz: a file that stays there while helm runs, or its bytes. */
export type ChartArchive = { readonly path: string } | { readonly bytes: Uint8Array }

/** One release on one cluster, and what its chart may touch besides its namespace. */
export type ReleaseTarget = {
  readonly cluster: ClusterEndpoint
  readonly namespace: string
  readonly release: string
  readonly beyond?: Beyond
  /** Of objects of its namespace. */
  readonly keeps?: readonly Kept[]
}

/** An object outside the release's namespace, as a request names it. A null name is a whole collection, or a create. */
export type ForeignObject = {
  readonly group: string
  readonly version: string
  /** The plural in lower case, as it stands in the path. */
  readonly resource: string
  readonly namespace: string | null
  readonly name: string | null
}

/** One object that a platform admin has granted a chart (SECURITY.md, "Two walls"); `removal`: to look at and to delete. */
export type GrantedObject = {
  readonly group: string
  readonly resource: string
  readonly namespace: string | null
  readonly name: string
  readonly only: 'removal' | null
}
/** What a chart may touch outside of its namespace, and the cluster as those requests see it: with Flotilla's own rights. */
export type Beyond = { readonly cluster: ClusterEndpoint; readonly objects: readonly GrantedObject[] }

/** Labels that a Service goes on selecting by, whatever helm applies: traffic stays where it is. */
export type KeptSelector = { readonly service: string; readonly labels: Readonly<Record<string, string>> }

/** So many instances a workload goes on having, whatever helm applies: another hand has scaled it. */
export type KeptReplicas = { readonly workload: string; readonly resource: string; readonly replicas: number }

/**
 * Fields of a workload's `spec` that stay as they are, whatever helm applies: they hold it. What helm sends of them is noted,
 * as JSON, in the annotation `note`, null for what it takes away or leaves out of a whole object: whoever holds the workload
 * puts it in their place.
 */
export type KeptFields = {
  readonly workload: string
  readonly resource: string
  readonly fields: JsonObject
  readonly note: string
}
export type Kept = KeptSelector | KeptReplicas | KeptFields

type Act = ReleaseTarget & { readonly timeoutSeconds: number }
type Labelled = Act & { readonly operationId: Uuid; readonly attempt?: number; readonly description?: string }
type Deploy = Labelled & { readonly chart: ChartArchive; readonly values: JsonObject }

/** `replace`: over a settled, failed first revision; helm then makes the next revision and runs the install hooks. */
export type InstallSpec = Deploy & { readonly replace?: boolean }
/** `hooks`: false leaves the chart's hooks out. */
export type UpgradeSpec = Deploy & { readonly forceConflicts?: boolean; readonly hooks?: boolean }
export type RollbackSpec = Act & { readonly revision: number; readonly hooks?: boolean }
export type UninstallSpec = Act & {
  readonly description?: string
  readonly cascade?: Cascade
  readonly hooks?: boolean
}
export type Cascade = 'background' | 'foreground' | 'orphan'

export type TemplateSpec = {
  readonly release: string
  readonly namespace: string
  readonly chart: ChartArchive
  readonly values: JsonObject
  readonly kubeVersion: string
  readonly apiVersions?: readonly string[]
  readonly isUpgrade?: boolean
}

/** Under what an act runs. `signal` is aborted when the act is cancelled; the deadline ends it in any case. */
export type RunContext = {
  readonly lease: LeaseView
  readonly signal: AbortSignal
  readonly deadline: Instant
  /** Where it is told, helm is ended as soon as another hand's record is seen: `changed_by_another_hand`. */
  readonly records?: ExpectedRecords
  readonly beforeDelete?: BeforeDelete
}
/**
 * Looks at an object that helm is about to delete, the last moment at which it is there: helm waits for it. Must end soon
 * and never reject.
 */
export type BeforeDelete = (object: ForeignObject) => Promise<void>
/**
 * How long a rendering may take, from when it begins: the time in which it waits for its turn is not its own. And whose
 * turn it takes.
 */
export type TemplateContext = { readonly limitMs: number; readonly tenantId: Uuid }

/** One object of a rendered manifest, and the template that it came from. */
export type RenderedObject = { readonly source: string | null; readonly object: JsonObject }
export type Rendered = { readonly manifest: string; readonly objects: readonly RenderedObject[] }

/** A chart, the provenance beside it, and the OpenPGP keys that may have signed it, as packets. */
export type VerifySpec = {
  /** `NAME-VERSION.tgz`: the name by which the provenance speaks of it. */
  readonly file: string
  readonly archive: Buffer
  readonly provenance: Buffer
  readonly keyring: Buffer
}
export type Verified = 'verified' | 'unknown_key' | 'other_bytes' | 'unreadable'

/** The four acts and the rendering. Each act resolves when helm has ended well, and throws `HelmFailure` otherwise. */
export interface Helm {
  install(spec: InstallSpec, context: RunContext): Promise<void>
  upgrade(spec: UpgradeSpec, context: RunContext): Promise<void>
  /** Always takes fields that other managers own (SPEC section 3). */
  rollback(spec: RollbackSpec, context: RunContext): Promise<void>
  /** A release that is not there, or whose records helm could not read, fails with nothing changed. */
  uninstall(spec: UninstallSpec, context: RunContext): Promise<void>
  /** Renders without any cluster. */
  template(spec: TemplateSpec, context: TemplateContext): Promise<Rendered>
  /** Whether a chart is what one of the keys has signed. */
  verify(spec: VerifySpec): Promise<Verified>
}

export type FieldConflict = { readonly object: string; readonly field: string; readonly manager: string }

/** What went wrong, in words that may be shown once they are masked, and cut then: no Secrets, no rendered text. */
export type Explanation = {
  readonly code: ErrorCode
  readonly detail: string
  readonly conflicts?: readonly FieldConflict[]
  /** What the cluster has refused, where helm names no reason. */
  readonly refused?: readonly RefusedAnswer[]
}

/** A helm run that did not succeed. */
export class HelmFailure extends Error {
  override readonly name = 'HelmFailure'
  readonly code: ErrorCode
  /** False is a fact: no write reached the cluster. True: one did, or may have. */
  readonly changed: boolean
  readonly conflicts: readonly FieldConflict[]
  readonly refused: readonly RefusedAnswer[]
  /** The redacted end of what helm said, as long as it is: the tenant may read it as evidence, masked and cut. */
  readonly stderrTail: string

  constructor(explanation: Explanation, changed: boolean, stderrTail: string) {
    super(explanation.detail)
    this.code = explanation.code
    this.changed = changed
    this.conflicts = explanation.conflicts ?? []
    this.refused = explanation.refused ?? []
    this.stderrTail = stderrTail
  }

  get detail(): string {
    return this.message
  }
}
