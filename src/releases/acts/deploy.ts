import { ActFailed } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import type { Operation } from '../core/model.ts'
import type { ActDeps } from './context.ts'

/** What install and upgrade hand to helm: the kept chart, the complete values, and the labels that name operation and attempt. */
export async function deploySpec({ ports }: ActDeps, { id, request }: Operation, { attempt }: ActContext) {
  if (request.chartDigest === null) throw new ActFailed('unchanged', chartNotKept)
  return {
    chart: { bytes: await ports.charts.archive(request.chartDigest) },
    values: request.values,
    operationId: id,
    attempt: attempt.seq,
    ...(request.description === null ? {} : { description: request.description }),
  }
}

/** Helm has pruned the revision and Flotilla never had its chart: it was deployed by another hand. */
const chartNotKept = {
  code: 'chart_not_found',
  detail: 'the chart of that revision is not kept anywhere any more',
} as const
