import type { DomainEvent } from '../../core/events.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Component, UpgradePath, Version } from './model.ts'

/** An event of a component: which one it is, and what of it changed. */
export function componentEvent(
  component: Component,
  what: 'created' | 'updated',
  by: string,
  changed: readonly string[] = [],
): DomainEvent {
  const { category, chartName } = component
  return {
    type: `registry.component.${what}`,
    data: { ...about(component), category, chartName, changed, performedBy: by },
  }
}

/** An event of a version of the component. */
export function versionEvent(
  component: Component,
  version: Version,
  what: 'created' | 'updated',
  by: string,
  changed: readonly string[] = [],
): DomainEvent {
  const { id: versionId, status, recommended } = version
  const data = {
    ...about(component),
    versionId,
    version: version.version,
    status,
    recommended,
    changed,
    performedBy: by,
  }
  return { type: `registry.version.${what}`, data }
}

/** An upgrade path of the component was added. */
export function pathEvent(component: Component, path: UpgradePath, by: string): DomainEvent {
  const { id: pathId, fromVersionId, fromVersion, toVersionId, toVersion, upgradeType, riskLevel } = path
  const data = { pathId, fromVersionId, fromVersion, toVersionId, toVersion, upgradeType, riskLevel, performedBy: by }
  return { type: 'registry.upgrade-path.created', data: { ...about(component), ...data } }
}

const about = ({ id, name }: Component): JsonObject => ({ componentId: id, componentName: name })
