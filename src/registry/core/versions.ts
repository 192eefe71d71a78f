import { compare, parse, type SemVer, satisfies } from 'semver'
import type { RiskLevel, UpgradeType } from './model.ts'

const loose = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].*)?/

/**
 * A version as it is compared: 16.1 counts as 16.1.0, `v2` as 2.0.0 (SPEC section 4), 2024.01 as 2024.1.0, 1.2.3.4 as
 * 1.2.3. Null for what does not begin as a version, or with a number that is too large. Not the `coerce` of semver: it
 * finds a version anywhere in a text.
 */
export function coerceVersion(text: string): string | null {
  const [, major, minor, patch, rest = ''] = loose.exec(text) ?? []
  if (major === undefined) return null
  const numbers = [major, minor, patch].map((digits = '0') => Number(digits)).join('.')
  return (parse(`${numbers}${rest}`) ?? parse(numbers))?.version ?? null
}

/** By semver precedence: negative when `a` is older. Build metadata does not count. Both must be semver. */
export function compareVersions(a: string, b: string): number {
  return compare(a, b)
}

/** The part of the version number that a step changes; between pre-releases of one number, and to it, PATCH. */
export function upgradeTypeOf(from: string, to: string): UpgradeType {
  const [a, b] = [numbersOf(from), numbersOf(to)]
  if (a.major !== b.major) return 'MAJOR'
  return a.minor === b.minor ? 'PATCH' : 'MINOR'
}

function numbersOf(version: string): SemVer {
  const parsed = parse(version)
  if (parsed === null) throw new Error(`${version} is no semantic version`)
  return parsed
}

/** How risky a step is unless its author says. */
export const defaultRisk: Readonly<Record<UpgradeType, RiskLevel>> = { PATCH: 'LOW', MINOR: 'MEDIUM', MAJOR: 'HIGH' }

/**
 * Whether a version that runs is in a range. A pre-release counts by its precedence: 3.7.0-rc.1 is in `>=3.6`, which the
 * usual rule of npm denies, and which is what runs all the same. What cannot be read as a version is in no range.
 */
export function isInRange(version: string, range: string): boolean {
  const coerced = coerceVersion(version)
  return coerced !== null && satisfies(coerced, range, { includePrerelease: true })
}

/** Whether a version is between two, both included; null is open. Throws for one that cannot be read. */
export function isBetween(version: string, min: string | null, max: string | null): boolean {
  return (min === null || compareCoerced(version, min) >= 0) && (max === null || compareCoerced(version, max) <= 0)
}

/** As `compareVersions`, of texts that are coerced first. Throws for one that cannot be read. */
export function compareCoerced(a: string, b: string): number {
  return compare(readable(a), readable(b))
}

function readable(text: string): string {
  const coerced = coerceVersion(text)
  if (coerced === null) throw new Error(`${text} cannot be read as a version`)
  return coerced
}
