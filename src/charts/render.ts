import { seconds } from '../core/instant.ts'
import { Problem } from '../core/problems.ts'
import { type Helm, HelmFailure } from '../infra/helm/types.ts'
import { schemaProblem } from './schema-problem.ts'
import type { Render } from './types.ts'

/** A chart that takes longer to render is refused. */
const renderLimit = seconds(30)

/**
 * Rendering by helm's `template`, for a Kubernetes of this version. What helm says against the chart or the values is a
 * `Problem` of theirs; helm's text comes redacted.
 */
export function helmRender(helm: Pick<Helm, 'template'>, kubeVersion: string): Render {
  return async ({ archive, release, values }) => {
    const spec = {
      release: release.name,
      namespace: release.namespace,
      chart: { bytes: archive },
      values,
      kubeVersion,
      isUpgrade: release.isUpgrade ?? false,
    }
    try {
      return (await helm.template(spec, { limitMs: renderLimit, tenantId: release.tenantId })).objects
    } catch (error) {
      throw error instanceof HelmFailure ? await renderProblem(error, archive, renderLimit) : error
    }
  }
}

/** What a caller is told of a chart that helm could not render within the limit, in milliseconds. */
export async function renderProblem(
  { code, detail }: HelmFailure,
  archive: Uint8Array,
  limitMs: number,
): Promise<Problem> {
  if (code === 'values_schema') return schemaProblem(detail, archive)
  if (code === 'chart_invalid' || code === 'unavailable') return new Problem(code, detail)
  const words = code === 'timed_out' ? `the chart takes more than ${limitMs / 1000} seconds to render` : detail
  return new Problem('chart_render_failed', words)
}
