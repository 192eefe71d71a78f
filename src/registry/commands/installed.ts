import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { Component } from '../core/model.ts'
import { compareVersions } from '../core/versions.ts'
import type { RegistryDeps } from '../deps.ts'
import { componentsOfCharts } from '../store/components.ts'
import { versionsOfCharts } from '../store/versions.ts'

/** A component that a tenant runs, with the versions that its releases are at: one, unless they differ. */
export type InstalledComponent = {
  readonly component: Component
  readonly chartVersions: readonly string[]
  /** As the registry numbers them; a chart version that no version names stands for itself. */
  readonly versions: readonly string[]
}

/** The components that a tenant's releases run, by name. */
export async function installedComponents(
  { installed }: Pick<RegistryDeps, 'installed'>,
  db: Db,
  tenantId: Uuid,
): Promise<readonly InstalledComponent[]> {
  const charts = await installed.ofTenant(db, tenantId)
  const components = await componentsOfCharts(db, [...new Set(charts.map(({ chartName }) => chartName))])
  const known = await versionsOfCharts(
    db,
    components.map(({ id }) => id),
    charts.map(({ chartVersion }) => chartVersion),
  )
  return components.map((component) => {
    const own = charts.filter(({ chartName }) => chartName === component.chartName)
    const chartVersions = own.map(({ chartVersion }) => chartVersion)
    const numbers = known.filter(({ componentId }) => componentId === component.id)
    return { component, chartVersions, versions: chartVersions.map((each) => numberOf(numbers, each)) }
  })
}

/** Several versions may run one chart version: the newest of them counts. */
function numberOf(
  known: readonly { readonly version: string; readonly helmChartVersion: string }[],
  chartVersion: string,
): string {
  const named = known.filter(({ helmChartVersion }) => helmChartVersion === chartVersion).map(({ version }) => version)
  return named.sort(compareVersions).at(-1) ?? chartVersion
}
