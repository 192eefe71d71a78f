import type { ErrorCode } from '../../core/problems.ts'
import type { ChildEnd } from './child.ts'
import { parseConflicts } from './conflicts.ts'
import { keptAnswers, type Refusal } from './gateway/attempt.ts'
import { namedObject, type RefusedAnswer } from './gateway/refused-answer.ts'
import { redact, redactedHead } from './redact.ts'
import type { Explanation } from './types.ts'

/** What is known of a run that failed: how the child ended, what it said, and what the gateway saw. */
export type FailedRun = {
  readonly end: ChildEnd
  readonly stderr: string
  readonly refusals: readonly Refusal[]
  /** How many requests the cluster left without an answer. */
  readonly unreachable: number
  /** What the cluster has refused of it, the last ones. */
  readonly refused: readonly RefusedAnswer[]
}

/** Why a run failed. Facts come first: what we did to the child, then what the gateway saw; text is read last. */
export function explain(run: FailedRun): Explanation {
  return explainEnd(run) ?? explainRefusals(run.refusals) ?? withRefused(explainText(run), run.refused)
}

/** All that helm says of an uninstall in which it could not delete everything. */
const namesNoReason = /^(?:failed to delete release: \S+|helm ended without saying why)$/
const toldRefused = 3

/** Where helm names no reason, what the cluster has refused is the reason. */
function withRefused(said: Explanation, refused: readonly RefusedAnswer[]): Explanation {
  if (refused.length === 0 || said.code !== 'helm_failed' || !namesNoReason.test(said.detail)) return said
  const code = refused.some(({ status }) => status === 403) ? 'not_permitted' : said.code
  const told = refused.slice(-toldRefused).map(refusedWords)
  return { code, detail: `${said.detail}; the cluster refused ${told.join('; ')}${moreThan(told, refused)}`, refused }
}

/** Where as many are kept as may be, there were more than can be counted. */
function moreThan(told: readonly string[], { length }: readonly RefusedAnswer[]): string {
  if (length <= told.length) return ''
  return length < keptAnswers ? ` and ${length - told.length} more` : ' and more'
}

const refusedWords = ({ method, object, status, message }: RefusedAnswer): string =>
  `${method} ${object}: ${message ?? `HTTP ${status}`}`

function explainEnd({ end, stderr }: FailedRun): Explanation | null {
  if (end === 'deadline') return { code: 'timed_out', detail: 'helm was ended: the deadline had passed' }
  if (end === 'cancelled') return { code: 'cancelled', detail: 'helm was ended: the operation was cancelled' }
  if (end === 'lost') return { code: 'interrupted', detail: 'helm was ended: its worker lost the lease' }
  if (/^fatal error: .*out of memory|^runtime: out of memory/m.test(stderr)) {
    return { code: 'helm_failed', detail: 'helm needed more memory than one run may have' }
  }
  if (end === 'killed') return { code: 'interrupted', detail: 'helm was ended by a signal that is not ours' }
  if (end === 'exhausted') return { code: 'helm_failed', detail: 'helm was ended by its limit of CPU time' }
  return null
}

function explainRefusals(refusals: readonly Refusal[]): Explanation | null {
  const first = refusals[0]
  if (first === undefined) return null
  if (refusals.some(({ reason }) => reason === 'no_lease')) {
    return { code: 'interrupted', detail: 'a write was refused: the worker had lost the lease' }
  }
  return { code: 'outside_namespace', detail: `the chart asked for ${named(first)}` }
}

function named({ method, object, reason }: Refusal): string {
  if (object === null) return `a path that is not open to it (${reason})`
  return `${method} ${namedObject(object)} (${reason})`
}

type Reading = readonly [RegExp, ErrorCode]

const hooks: readonly Reading[] = [
  [
    /\bfailed (?:pre|post)-(?:install|upgrade|rollback|delete)|(?:pre|post)-(?:install|upgrade|rollback|delete) hooks? failed/,
    'hook_failed',
  ],
  [/hooks? .*failed/, 'hook_failed'],
]
const unbuilt: Reading = [/unable to build kubernetes objects/, 'chart_render_failed']
/** What helm also says when the cluster goes away in the middle: then that is the reason. */
const saidOfCluster: readonly Reading[] = [...hooks, unbuilt]

/** In order: the first that fits. Texts of 4.1 and 3.17; all matching of helm's words is in this table. */
const readings: readonly Reading[] = [
  [/another operation \(install\/upgrade\/rollback\) is in progress/, 'operation_in_progress'],
  [/cannot re-?use a name that is still in use/, 'name_taken'],
  [/has no deployed releases|release: not found/, 'not_found'],
  [/release has no \d+ version|has no revision/, 'revision_not_found'],
  [
    /Secret "sh\.helm\.release\.[^"]*" is invalid: data: Too long|etcdserver: request is too large/,
    'release_too_large',
  ],
  [/^Error:.*values don't meet the specifications of the schema/m, 'values_schema'],
  [/Apply failed with \d+ conflict/, 'field_conflict'],
  [
    /^Error: (?:original object \S+ with the name "[^"]*" not found|no \S+ with the name "[^"]*" found)$/m,
    'object_unrecorded',
  ],
  [/kubernetes cluster unreachable|Kubernetes cluster unreachable|the cluster does not answer/, 'cluster_unavailable'],
  [/unable to create new content in namespace \S+ because it is being terminated/, 'refused'],
  [/is forbidden: [Uu]ser "flotilla:tenant:[^"]*" /, 'not_permitted'],
  ...hooks,
  [/context deadline exceeded|timed out waiting for/, 'timed_out'],
  [/context canceled/, 'cancelled'],
  [
    /execution error at|parse error at|error calling|executing "|YAML parse error|nil pointer evaluating/,
    'chart_render_failed',
  ],
  unbuilt,
  [/error converting YAML to JSON/, 'chart_render_failed'],
  [
    /requires kubeVersion|missing in charts\/ directory|Chart\.yaml file is missing|chart metadata is missing/,
    'chart_invalid',
  ],
  [/validation: chart\.|cannot load|path ".*" not found|file does not appear to be a gzipped archive/, 'chart_invalid'],
]

/** Reads the redacted text: what a template made helm say must not choose the code. */
function explainText({ stderr, unreachable }: FailedRun): Explanation {
  const safe = redact(stderr)
  const read = readings.find(([pattern]) => pattern.test(safe))
  const away = unreachable > 0 && (read === undefined || saidOfCluster.includes(read))
  const chosen = away ? 'cluster_unavailable' : (read?.[1] ?? 'helm_failed')
  const conflicts = chosen === 'field_conflict' ? parseConflicts(stderr) : []
  return { code: chosen, detail: detailOf(safe), ...(conflicts.length > 0 ? { conflicts } : {}) }
}

/** Helm's last `Error:`, redacted and without its heading: to be masked, and cut then. */
function detailOf(stderr: string): string {
  const text =
    redact(stderr)
      .split(/^Error: /m)
      .at(-1) ?? ''
  const plain = text.replace(/^(?:INSTALLATION|UPGRADE|UNINSTALLATION) FAILED: /, '').trim()
  if (plain === '') return 'helm ended without saying why'
  return redactedHead(plain)
}
