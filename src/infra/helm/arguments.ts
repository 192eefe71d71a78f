import type { Cascade } from './types.ts'

/** The two command lines that are known: 4.x, and 3.17 or later. All that differs between them is in this file. */
export type Dialect = 'v3' | 'v4'

type Common = { readonly release: string; readonly namespace: string; readonly timeoutSeconds: number }
type Deploy = Common & {
  readonly chartPath: string
  readonly valuesPath: string
  readonly operationId: string
  /** Which attempt of the operation it is; none is written as 0. */
  readonly attempt?: number | undefined
  readonly description?: string | undefined
}
export type InstallArguments = Deploy & { readonly replace: boolean }
type Hooks = { readonly hooks: boolean }
export type UpgradeArguments = Deploy & Hooks & { readonly forceConflicts: boolean; readonly historyMax: number }
export type RollbackArguments = Common & Hooks & { readonly revision: number; readonly historyMax: number }
export type UninstallArguments = Common &
  Hooks & {
    readonly cascade: Cascade
    readonly description?: string | undefined
  }
export type TemplateArguments = {
  readonly release: string
  readonly namespace: string
  readonly chartPath: string
  readonly valuesPath: string
  readonly kubeVersion: string
  readonly apiVersions: readonly string[]
  readonly isUpgrade: boolean
}

/** The label by which a revision names the operation that made it. */
export const operationLabel = 'flotilla.dev/operation'
/** And which attempt: an upgrade by hand without labels inherits those of the revision before it. */
export const attemptLabel = 'flotilla.dev/attempt'

/** `replace` reuses the name of a release whose newest revision is uninstalled or failed. */
export function installArguments(dialect: Dialect, a: InstallArguments): readonly string[] {
  return [
    'install',
    ...deployFlags(a),
    ...waiting(dialect),
    ...(dialect === 'v4' ? ['--server-side=true'] : []),
    ...(a.replace ? ['--replace'] : []),
    ...names(a.release, a.chartPath),
  ]
}

/** The last values are never reused: the file holds all of them. */
export function upgradeArguments(dialect: Dialect, a: UpgradeArguments): readonly string[] {
  return [
    'upgrade',
    ...deployFlags(a),
    ...waiting(dialect),
    ...applying(dialect, a.forceConflicts),
    ...hooking(a),
    '--reset-values',
    `--history-max=${a.historyMax}`,
    ...names(a.release, a.chartPath),
  ]
}

/** Takes no label and no description: a rollback is known by its number and by helm's own "Rollback to N". */
export function rollbackArguments(dialect: Dialect, a: RollbackArguments): readonly string[] {
  return [
    'rollback',
    ...commonFlags(a),
    ...waiting(dialect),
    ...applying(dialect, true),
    ...hooking(a),
    `--history-max=${a.historyMax}`,
    ...names(a.release, String(a.revision)),
  ]
}

export function uninstallArguments(dialect: Dialect, a: UninstallArguments): readonly string[] {
  return [
    'uninstall',
    ...commonFlags(a),
    ...waiting(dialect),
    ...described(a.description),
    ...hooking(a),
    '--ignore-not-found',
    `--cascade=${a.cascade}`,
    ...names(a.release),
  ]
}

const hooking = ({ hooks }: Hooks): readonly string[] => (hooks ? [] : ['--no-hooks'])

/** Hooks are rendered too: they must pass the same checks as everything else. */
export function templateArguments(a: TemplateArguments): readonly string[] {
  return [
    'template',
    `--namespace=${a.namespace}`,
    `--values=${a.valuesPath}`,
    `--kube-version=${a.kubeVersion}`,
    ...a.apiVersions.map((version) => `--api-versions=${version}`),
    '--include-crds',
    '--skip-tests=false',
    ...(a.isUpgrade ? ['--is-upgrade'] : []),
    ...names(a.release, a.chartPath),
  ]
}

/** The provenance lies beside the chart, named after it. */
export const verifyArguments = (a: { readonly keyringPath: string; readonly chartPath: string }): readonly string[] => [
  'verify',
  `--keyring=${a.keyringPath}`,
  ...names(a.chartPath),
]

export const versionArguments: readonly string[] = ['version', '--template={{.Version}}']

function deployFlags(a: Deploy): readonly string[] {
  return [
    ...commonFlags(a),
    `--values=${a.valuesPath}`,
    `--labels=${operationLabel}=${a.operationId},${attemptLabel}=${a.attempt ?? 0}`,
    ...described(a.description),
    '--disable-openapi-validation',
    '--hide-notes',
  ]
}

const commonFlags = (a: Common) => [`--namespace=${a.namespace}`, `--timeout=${a.timeoutSeconds}s`]

const described = (description: string | undefined) =>
  description === undefined || description === '' ? [] : [`--description=${description}`]

/** Flotilla waits for workloads itself; helm waits for hooks only, which is what 3.17 does without `--wait`. */
const waiting = (dialect: Dialect) => (dialect === 'v4' ? ['--wait=hookOnly'] : [])

/**
 * `auto` goes on as the release was made, so one that 3.x made keeps its client-side patches. Forcing is refused
 * by 4.1 with `auto` on such a release (tried), so it asks for the server side. 3.17 overwrites in any case.
 */
function applying(dialect: Dialect, force: boolean): readonly string[] {
  if (dialect === 'v3') return []
  return force ? ['--server-side=true', '--force-conflicts'] : ['--server-side=auto']
}

/** Behind `--`, so that no name is ever read as a flag. */
const names = (...positional: readonly string[]) => ['--', ...positional]
