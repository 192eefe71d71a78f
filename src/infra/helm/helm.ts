import { join } from 'node:path'
import type { Clock } from '../../core/instant.ts'
import {
  installArguments,
  rollbackArguments,
  templateArguments,
  uninstallArguments,
  upgradeArguments,
  verifyArguments,
} from './arguments.ts'
import type { HelmBinary } from './binary.ts'
import { type ChildLimits, type ChildOutcome, type RunChild, runChild } from './child.ts'
import { explain } from './errors.ts'
import type { Gateway, OpenAttempt } from './gateway/gateway.ts'
import { gatewayKubeconfig } from './kubeconfig.ts'
import { splitManifest } from './manifest.ts'
import { redactedTail } from './redact.ts'
import {
  type ChartArchive,
  type Explanation,
  type Helm,
  HelmFailure,
  type InstallSpec,
  type ReleaseTarget,
  type Rendered,
  type RollbackSpec,
  type RunContext,
  type TemplateContext,
  type TemplateSpec,
  type UninstallSpec,
  type UpgradeSpec,
  type Verified,
  type VerifySpec,
} from './types.ts'
import { type AttemptContents, type AttemptFiles, childEnvironment, openAttempt, type Workspace } from './workspace.ts'

export type HelmOptions = {
  readonly binary: HelmBinary
  readonly gateway: Gateway
  readonly workspace: Workspace
  readonly clock: Clock
  /** Starts the child; by default this process does. */
  readonly run?: RunChild
  /** How many revisions helm keeps. */
  readonly historyMax?: number
  /** Bounds of each child; the defaults are those of SECURITY.md. */
  readonly bounds?: Partial<Bounds>
}
type Bounds = Pick<ChildLimits, 'addressSpaceBytes' | 'cpuSeconds' | 'outputBytes' | 'graceMs'>

/** A loop in a template is ended by the CPU limit even when the worker is dead. */
const bounds: Bounds = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 60, outputBytes: 1 << 20, graceMs: 5_000 }
const renderedLimit = 32 << 20
const verifyLimitMs = 20_000

type Act = {
  readonly target: ReleaseTarget
  readonly contents: AttemptContents
  /** Install and upgrade write their own verdict on SIGTERM; rollback and uninstall have no handler (DESIGN.md). */
  readonly onCancel: ChildLimits['onCancel']
  readonly args: (files: AttemptFiles) => readonly string[]
  /** Helm gives up at a kind that it does not know, and does not ask again. */
  readonly asksOnce?: true
  /** What it is for helm to call well what has written nothing; without it that is well. */
  readonly nothing?: Explanation
}

/** With `--ignore-not-found` helm takes whatever keeps it from reading its records for a release that is not there (4.1 and 3.17). */
const foundNothing: Explanation = {
  code: 'helm_failed',
  detail: 'helm could not read its records of the release, or found none: it has removed nothing',
}

/** The `Helm` port on the real binary, one child process a call. */
export class HelmProcess implements Helm {
  readonly #options: HelmOptions
  readonly #bounds: Bounds
  readonly #historyMax: number

  constructor(options: HelmOptions) {
    this.#options = options
    this.#bounds = { ...bounds, ...options.bounds }
    this.#historyMax = options.historyMax ?? 10
  }

  install(spec: InstallSpec, context: RunContext): Promise<void> {
    const { dialect } = this.#options.binary
    const args = (files: AttemptFiles) =>
      installArguments(dialect, { ...spec, ...paths(files), replace: spec.replace ?? false })
    return this.#act({ target: spec, contents: deployed(spec), onCancel: 'terminate', args }, context)
  }

  upgrade(spec: UpgradeSpec, context: RunContext): Promise<void> {
    const { dialect } = this.#options.binary
    const more = {
      forceConflicts: spec.forceConflicts ?? false,
      hooks: spec.hooks ?? true,
      historyMax: this.#historyMax,
    }
    const args = (files: AttemptFiles) => upgradeArguments(dialect, { ...spec, ...paths(files), ...more })
    return this.#act({ target: spec, contents: deployed(spec), onCancel: 'terminate', args }, context)
  }

  rollback(spec: RollbackSpec, context: RunContext): Promise<void> {
    const { dialect } = this.#options.binary
    const args = () => rollbackArguments(dialect, { ...spec, hooks: spec.hooks ?? true, historyMax: this.#historyMax })
    return this.#act({ target: spec, contents: {}, onCancel: 'kill', args }, context)
  }

  uninstall(spec: UninstallSpec, context: RunContext): Promise<void> {
    const { dialect } = this.#options.binary
    const args = () =>
      uninstallArguments(dialect, { ...spec, cascade: spec.cascade ?? 'background', hooks: spec.hooks ?? true })
    const act = { target: spec, contents: {}, onCancel: 'kill', args, asksOnce: true, nothing: foundNothing } as const
    return this.#act(act, context)
  }

  async template(spec: TemplateSpec, context: TemplateContext): Promise<Rendered> {
    const files = await openAttempt(this.#options.workspace, deployed(spec))
    try {
      const given = { apiVersions: spec.apiVersions ?? [], isUpgrade: spec.isUpgrade ?? false }
      const args = templateArguments({ ...spec, ...paths(files), ...given })
      const bounds = { ...this.#bounds, deadlineMs: context.limitMs, outputBytes: renderedLimit }
      const limits = { ...bounds, cancel: never, lost: never, onCancel: 'kill' as const }
      return rendered(await this.#run(files, args, limits))
    } finally {
      files.remove()
    }
  }

  async verify({ file, archive, provenance, keyring }: VerifySpec): Promise<Verified> {
    // The name becomes that of a file: it holds nothing that could lead elsewhere.
    if (!/^[\w.+-]+\.tgz$/.test(file)) return 'unreadable'
    const beside = { [file]: archive, [`${file}.prov`]: provenance, keyring }
    const files = await openAttempt(this.#options.workspace, { files: beside })
    try {
      const args = verifyArguments({ keyringPath: join(files.folder, 'keyring'), chartPath: join(files.folder, file) })
      const limits = {
        ...this.#bounds,
        deadlineMs: verifyLimitMs,
        cancel: never,
        lost: never,
        onCancel: 'kill' as const,
      }
      return verdict(await this.#run(files, args, limits))
    } finally {
      files.remove()
    }
  }

  async #act(act: Act, context: RunContext): Promise<void> {
    const { namespace, release, cluster, beyond, keeps = [] } = act.target
    const room = { namespace, release, granted: beyond?.objects ?? [] }
    const open = this.#options.gateway.admit({
      cluster,
      beyond: beyond?.cluster ?? cluster,
      lease: context.lease,
      room,
      keeps,
      ...(context.records === undefined ? {} : { records: context.records }),
      ...(context.beforeDelete === undefined ? {} : { beforeDelete: context.beforeDelete }),
    })
    if (act.asksOnce) open.forgetKinds()
    try {
      const outcome = await this.#withFiles(act, open, context)
      if (outcome.code !== 0) throw failure(outcome, open)
      if (act.nothing !== undefined && !open.attempt.changed()) throw failure(outcome, open, act.nothing)
    } finally {
      open.close()
    }
  }

  async #withFiles(act: Act, { url, attempt }: OpenAttempt, context: RunContext): Promise<ChildOutcome> {
    const kubeconfig = gatewayKubeconfig(url, act.target.namespace)
    const files = await openAttempt(this.#options.workspace, { ...act.contents, kubeconfig })
    try {
      const lost = AbortSignal.any([context.lease.signal, attempt.overtaken])
      const limits = { ...this.#limits(context, lost), onCancel: act.onCancel }
      return await this.#run(files, act.args(files), limits)
    } finally {
      files.remove()
    }
  }

  #run(files: AttemptFiles, args: readonly string[], limits: ChildLimits): Promise<ChildOutcome> {
    const { path } = this.#options.binary
    const run = this.#options.run ?? runChild
    return run({ binary: path, args, env: childEnvironment(files), folder: files.folder }, limits)
  }

  #limits({ deadline, signal }: RunContext, lost: AbortSignal): Omit<ChildLimits, 'onCancel'> {
    const deadlineMs = Math.max(0, deadline - this.#options.clock.now())
    return { ...this.#bounds, deadlineMs, cancel: signal, lost }
  }
}

const never = new AbortController().signal

const deployed = (spec: {
  readonly chart: ChartArchive
  readonly values: AttemptContents['values']
}): AttemptContents => ({
  chart: spec.chart,
  values: spec.values,
})

const paths = ({ chartPath, valuesPath }: AttemptFiles) => ({ chartPath, valuesPath })

/**
 * Asked before the attempt is closed; the child is gone, so what is under way stays uncertain. `otherwise` is what it was
 * where neither another hand nor the cluster kept helm from its work.
 */
function failure(outcome: ChildOutcome, { attempt }: OpenAttempt, otherwise?: Explanation): HelmFailure {
  if (attempt.overtaken.aborted)
    return new HelmFailure(overtakenBy(attempt), attempt.changed(), redactedTail(outcome.stderr))
  const facts = {
    refusals: attempt.refusals(),
    unreachable: attempt.unreachable(),
    refused: attempt.refusedAnswers(),
  }
  const isHelms = facts.refusals.length === 0 && facts.unreachable === 0
  const explanation = otherwise !== undefined && isHelms ? otherwise : explain({ ...outcome, ...facts })
  return new HelmFailure(explanation, attempt.changed(), redactedTail(outcome.stderr))
}

/** Nothing is undone: the other hand may have written the same objects since. */
function overtakenBy(attempt: OpenAttempt['attempt']): Explanation {
  const { objects, uncertain } = attempt.mutations()
  const written =
    objects + uncertain === 0 ? 'it had written no object' : 'what it had written, hooks too, is not undone'
  return { code: 'changed_by_another_hand', detail: `our helm was ended: ${written}` }
}

function rendered(outcome: ChildOutcome): Rendered {
  if (outcome.code !== 0) {
    const explanation = explain({ ...outcome, refusals: [], unreachable: 0, refused: [] })
    throw new HelmFailure(explanation, false, redactedTail(outcome.stderr))
  }
  const tooLong = { code: 'chart_render_failed', detail: 'the chart renders more than 32 MiB' } as const
  if (outcome.stdoutTruncated) throw new HelmFailure(tooLong, false, '')
  return { manifest: outcome.stdout, objects: readObjects(outcome.stdout) }
}

/** Helm says why in words of its own; only the two that an operator can act upon are told apart. */
function verdict({ code, stderr }: ChildOutcome): Verified {
  if (code === 0) return 'verified'
  if (code === null) throw new Error('helm did not say whether the chart is signed')
  if (/unknown entity/.test(stderr)) return 'unknown_key'
  return /sha256 sum does not match|no SHA-256 sum|does not match/i.test(stderr) ? 'other_bytes' : 'unreadable'
}

function readObjects(manifest: string): Rendered['objects'] {
  try {
    return splitManifest(manifest)
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'the chart renders no objects'
    throw new HelmFailure({ code: 'chart_render_failed', detail }, false, '')
  }
}
