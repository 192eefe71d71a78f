import { rfc3339 } from '../../infra/http/time.ts'
import type { Verdict } from '../core/compatibility.ts'
import { type Component, riskLevels, type UpgradePath, upgradeTypes, type Version } from '../core/model.ts'
import type { Route } from '../core/paths.ts'

export function presentComponent(component: Component) {
  return { ...component, createdAt: rfc3339(component.createdAt), updatedAt: rfc3339(component.updatedAt) }
}

export function presentVersion(version: Version) {
  return {
    ...version,
    dependencies: { ...version.dependencies },
    createdAt: rfc3339(version.createdAt),
    updatedAt: rfc3339(version.updatedAt),
  }
}

export function presentPath(path: UpgradePath) {
  return {
    ...path,
    preUpgradeSteps: [...path.preUpgradeSteps],
    upgradeSteps: [...path.upgradeSteps],
    postUpgradeSteps: [...path.postUpgradeSteps],
    rollbackSteps: [...path.rollbackSteps],
    validationSteps: [...path.validationSteps],
    createdAt: rfc3339(path.createdAt),
  }
}

/** A route with what its steps come to. */
export function presentRoute(route: Route<UpgradePath>) {
  const minutes = route.map((step) => step.estimatedDurationMinutes)
  return {
    steps: route.length,
    versions: [...route.slice(0, 1).map((step) => step.fromVersion), ...route.map((step) => step.toVersion)],
    upgradeType: highest(upgradeTypes, (type) => route.some((step) => step.upgradeType === type)),
    riskLevel: highest(riskLevels, (level) => route.some((step) => step.riskLevel === level)),
    requiresDowntime: route.some((step) => step.requiresDowntime),
    estimatedDurationMinutes: minutes.reduce((sum, each) => (sum === null || each === null ? null : sum + each), 0),
    tested: route.every((step) => step.tested),
    path: route.map(presentPath),
  }
}

/** The last of some levels that occurs; the first where none does. */
function highest<T>(levels: readonly [T, ...T[]], occurs: (level: T) => boolean): T {
  return levels.findLast(occurs) ?? levels[0]
}

export function presentVerdict({ valid, blockers, warnings, path }: Verdict<UpgradePath>) {
  return {
    valid,
    blockers: blockers.map(({ installed, ...blocker }) => ({
      ...blocker,
      ...(installed === undefined ? {} : { installed: [...installed] }),
    })),
    warnings: [...warnings],
    path: path.map(presentPath),
  }
}
