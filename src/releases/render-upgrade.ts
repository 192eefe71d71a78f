import { renderProblem } from '../charts/index.ts'
import type { JsonObject } from '../core/json.ts'
import type { Uuid } from '../core/subject.ts'
import { HelmFailure, type Rendered } from '../infra/helm/index.ts'
import { maskedRefusal } from '../infra/secrets/mask.ts'
import type { ReleaseDeps } from './deps.ts'
import { shownWith } from './shown.ts'

const renderTimeoutMs = 60_000

/** An upgrade of a release as helm renders it, without a cluster. Throws `Problem` chart_render_failed, values_schema, unavailable. */
export async function renderUpgrade(
  deps: Pick<ReleaseDeps, 'clock' | 'kubeVersion' | 'ports'>,
  release: { readonly name: string; readonly namespace: string; readonly tenantId: Uuid },
  digest: string,
  values: JsonObject,
): Promise<Rendered> {
  const bytes = await deps.ports.charts.archive(digest)
  const spec = { release: release.name, namespace: release.namespace, chart: { bytes }, values, isUpgrade: true }
  const context = { limitMs: renderTimeoutMs, tenantId: release.tenantId }
  try {
    return await deps.ports.helm.template({ ...spec, kubeVersion: deps.kubeVersion }, context)
  } catch (error) {
    if (!(error instanceof HelmFailure)) throw error
    const problem = await renderProblem(error, bytes, renderTimeoutMs)
    throw maskedRefusal(problem, (await shownWith(deps.ports.charts, [digest], [values])).mask)
  }
}
