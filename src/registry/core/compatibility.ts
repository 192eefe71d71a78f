import type { Edge, Version } from './model.ts'
import type { Route } from './paths.ts'
import { compareVersions, isBetween, isInRange } from './versions.ts'

export const blockerCodes = [
  'NO_ROUTE',
  'DOWNGRADE',
  'TARGET_END_OF_LIFE',
  'PLATFORM_VERSION',
  'DEPENDENCY_MISSING',
  'DEPENDENCY_OUT_OF_RANGE',
] as const
export type BlockerCode = (typeof blockerCodes)[number]

export const warningCodes = [
  'UNTESTED_PATH',
  'DOWNTIME',
  'TARGET_DEPRECATED',
  'SEVERAL_HOPS',
  'HIGH_RISK',
  'UNKNOWN_PLATFORM_VERSION',
] as const
export type WarningCode = (typeof warningCodes)[number]

/** Why an upgrade cannot be. A dependency names its component, what is needed, and what is there. */
export type Blocker = {
  readonly code: BlockerCode
  readonly message: string
  readonly component?: string
  readonly required?: string
  readonly installed?: readonly string[]
}
/** What somebody should know before an upgrade. */
export type Warning = { readonly code: WarningCode; readonly message: string }

/** A step with the versions that it goes between: what messages name. */
export type NamedEdge = Edge & { readonly fromVersion: string; readonly toVersion: string }

/** What is asked: whether what runs `from` may go to `to`. */
export type Question<E extends NamedEdge> = {
  readonly from: Pick<Version, 'version'>
  readonly to: Pick<Version, 'version' | 'status' | 'minPlatformVersion' | 'maxPlatformVersion' | 'dependencies'>
  /** The best route; null where there is none. */
  readonly route: Route<E> | null
  /** Null: nobody has said. Must be readable as a version. */
  readonly platformVersion: string | null
  /** Which versions of each component run: a component that is not in it is not there. */
  readonly installed: ReadonlyMap<string, readonly string[]>
}

/** The answer. It is valid exactly when nothing blocks. */
export type Verdict<E extends NamedEdge> = {
  readonly valid: boolean
  readonly blockers: readonly Blocker[]
  readonly warnings: readonly Warning[]
  readonly path: readonly E[]
}

/** Judges an upgrade by SPEC section 4: everything that blocks it, and everything that it warns of, in a fixed order. */
export function judge<E extends NamedEdge>(question: Question<E>): Verdict<E> {
  const blockers = [...routeBlockers(question), ...targetBlockers(question), ...dependencyBlockers(question)]
  const path = question.route ?? []
  return { valid: blockers.length === 0, blockers, warnings: warningsOf(question, path), path }
}

function routeBlockers<E extends NamedEdge>({ from, to, route }: Question<E>): readonly Blocker[] {
  const between = `from ${from.version} to ${to.version}`
  if (compareVersions(from.version, to.version) > 0)
    return [{ code: 'DOWNGRADE', message: `${between} is a downgrade: a version goes back by a rollback` }]
  return route === null ? [{ code: 'NO_ROUTE', message: `No upgrade path leads ${between}` }] : []
}

function targetBlockers<E extends NamedEdge>({ to, platformVersion }: Question<E>): readonly Blocker[] {
  const blockers: Blocker[] = []
  if (to.status === 'END_OF_LIFE')
    blockers.push({ code: 'TARGET_END_OF_LIFE', message: `${to.version} has reached the end of its life` })
  const { minPlatformVersion: min, maxPlatformVersion: max } = to
  if (platformVersion !== null && !isBetween(platformVersion, min, max)) {
    const message = `${to.version} needs a platform ${rangeText(min, max)}, and it is ${platformVersion}`
    blockers.push({ code: 'PLATFORM_VERSION', message })
  }
  return blockers
}

function rangeText(min: string | null, max: string | null): string {
  return [min === null ? null : `from ${min}`, max === null ? null : `up to ${max}`].filter(Boolean).join(' ')
}

function dependencyBlockers<E extends NamedEdge>({ to, installed }: Question<E>): readonly Blocker[] {
  const names = Object.keys(to.dependencies).sort()
  return names.flatMap((component) =>
    unmet(component, to.dependencies[component] ?? '', installed.get(component) ?? []),
  )
}

/** Where a component runs in several versions, each must be in the range. */
function unmet(component: string, required: string, installed: readonly string[]): readonly Blocker[] {
  if (installed.length === 0)
    return [
      {
        code: 'DEPENDENCY_MISSING',
        message: `${component} ${required} is needed, and is not there`,
        component,
        required,
        installed,
      },
    ]
  if (installed.every((version) => isInRange(version, required))) return []
  const message = `${component} ${required} is needed, and ${installed.join(', ')} is there`
  return [{ code: 'DEPENDENCY_OUT_OF_RANGE', message, component, required, installed }]
}

function warningsOf<E extends NamedEdge>({ to, platformVersion }: Question<E>, path: readonly E[]): readonly Warning[] {
  const hops = path.length > 1 ? `${path[0]?.fromVersion} → ${path.map((step) => step.toVersion).join(' → ')}` : null
  const hasRange = to.minPlatformVersion !== null || to.maxPlatformVersion !== null
  return [
    ...ofSteps(
      'UNTESTED_PATH',
      'Not tested',
      path.filter(({ tested }) => !tested),
    ),
    ...ofSteps(
      'DOWNTIME',
      'Needs downtime',
      path.filter(({ requiresDowntime }) => requiresDowntime),
    ),
    ...when('TARGET_DEPRECATED', to.status === 'DEPRECATED', `${to.version} is deprecated`),
    ...when('SEVERAL_HOPS', hops !== null, `It takes ${path.length} upgrades, one after another: ${hops}`),
    ...ofSteps(
      'HIGH_RISK',
      'High risk',
      path.filter(({ riskLevel }) => riskLevel === 'HIGH'),
    ),
    ...when(
      'UNKNOWN_PLATFORM_VERSION',
      platformVersion === null && hasRange,
      `${to.version} needs a platform ${rangeText(to.minPlatformVersion, to.maxPlatformVersion)}, and the platform version is not known`,
    ),
  ]
}

const when = (code: WarningCode, holds: boolean, message: string): readonly Warning[] =>
  holds ? [{ code, message }] : []

function ofSteps(code: WarningCode, what: string, steps: readonly NamedEdge[]): readonly Warning[] {
  const named = steps.map(({ fromVersion, toVersion }) => `${fromVersion} → ${toVersion}`)
  return when(code, steps.length > 0, `${what}: ${named.join(', ')}`)
}
