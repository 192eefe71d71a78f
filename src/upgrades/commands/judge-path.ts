import type { Json } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { Component, UpgradePath, Verdict, Version } from '../../registry/index.ts'
import type { CheckName, Warning } from '../core/model.ts'
import type { UpgradePorts } from '../ports.ts'

/** An upgrade as it is asked for. */
export type PathRequest = {
  readonly tenantId: Uuid
  readonly componentId: Uuid
  readonly fromVersionId: Uuid
  readonly toVersionId: Uuid
  readonly installedComponents: Readonly<Record<string, string>> | null
}

/** The component and both ends of an upgrade. */
export type Ends = { readonly component: Component; readonly from: Version; readonly to: Version }

/** Reads component and versions. Throws `not_found`; `refused` for the version of another component. */
export async function endsOf(db: Db, { registry }: Pick<UpgradePorts, 'registry'>, request: PathRequest) {
  const component = await registry.component(db, request.componentId)
  if (component === null) throw noSuch('/componentId', `There is no component ${request.componentId}`)
  const [from, to] = await Promise.all([
    registry.version(db, component.id, request.fromVersionId),
    registry.version(db, component.id, request.toVersionId),
  ])
  if (from === null) throw noSuch('/fromVersionId', `${component.name} has no version ${request.fromVersionId}`)
  if (to === null) throw noSuch('/toVersionId', `${component.name} has no version ${request.toVersionId}`)
  return { component, from, to }
}

function noSuch(pointer: string, detail: string): Problem {
  return new Problem('not_found', detail, { errors: [{ pointer, message: 'is not known' }] })
}

/** Which pre-check a blocker belongs to; what no one may override has none. */
const checkOf = {
  NO_ROUTE: null,
  DOWNGRADE: null,
  TARGET_END_OF_LIFE: 'VERSION_PATH',
  PLATFORM_VERSION: 'VERSION_PATH',
  DEPENDENCY_MISSING: 'DEPENDENCIES',
  DEPENDENCY_OUT_OF_RANGE: 'DEPENDENCIES',
} as const satisfies Record<BlockerCode, CheckName | null>
type BlockerCode = Verdict<UpgradePath>['blockers'][number]['code']

/** Blockers by the pre-check that shows them: a missing route is a matter of the path. */
export function blockersOf(verdict: Verdict<UpgradePath>, check: 'VERSION_PATH' | 'DEPENDENCIES') {
  return verdict.blockers.filter(({ code }) => (checkOf[code] ?? 'VERSION_PATH') === check)
}

/** Whether the registry lets the upgrade happen. `isWayBack`: to a version that a frozen fleet runs, which needs no edge. */
export async function judgePath(
  db: Db,
  { registry }: Pick<UpgradePorts, 'registry'>,
  request: PathRequest,
  isWayBack: boolean,
): Promise<Verdict<UpgradePath>> {
  const { installedComponents, ...ends } = request
  const verdict = await registry.validatePath(db, { ...ends, installedComponents: installedComponents ?? {} })
  if (!isWayBack) return verdict
  const blockers = verdict.blockers.filter(({ code }) => checkOf[code] !== null)
  return { ...verdict, blockers, valid: blockers.length === 0, path: [] }
}

/**
 * Refuses what may not begin (SPEC section 5): whatever blocks and is not overridden, and more than one step. Answers
 * what the registry warns of.
 */
export function requirePath(verdict: Verdict<UpgradePath>, overridden: readonly CheckName[]): readonly Warning[] {
  const blockers = verdict.blockers.filter(({ code }) => {
    const check = checkOf[code]
    return check === null || !overridden.includes(check)
  })
  const [first] = blockers
  if (first !== undefined) throw refusedPath(first.message, blockers as unknown as Json)
  if (verdict.path.length > 1) throw severalSteps(verdict.path)
  return verdict.warnings
}

function severalSteps(path: readonly UpgradePath[]): Problem {
  const steps = path.map(({ fromVersion, toVersion }) => `${fromVersion} → ${toVersion}`)
  const message = `It takes ${path.length} executions, one after another: ${steps.join(', ')}`
  const named = path.map(({ fromVersionId, fromVersion, toVersionId, toVersion }) => ({
    ...{ fromVersionId, fromVersion, toVersionId, toVersion },
  }))
  return refusedPath(message, [{ code: 'SEVERAL_HOPS', message }], { path: named })
}

function refusedPath(detail: string, blockers: Json, more: { readonly path?: Json } = {}): Problem {
  return new Problem('refused', detail, { extra: { blockers, ...more } })
}
