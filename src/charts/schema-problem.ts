import { type FieldError, Problem } from '../core/problems.ts'
import { type SchemaError, schemaErrors } from '../infra/helm/index.ts'
import { type Chart, readChart } from './archive/read.ts'
import { escaped } from './core/values.ts'
import { pathTo } from './inside.ts'

/**
 * The `values_schema` of what helm said about values, with each field that does not fit by its place in the values of the
 * release. Helm names a chart inside by its name only: where that is in the values, the chart itself says.
 */
export async function schemaProblem(detail: string, archive: Uint8Array): Promise<Problem> {
  const chart = await readChart(Buffer.from(archive))
  return new Problem('values_schema', detail, { errors: schemaErrors(detail).map((error) => fieldError(chart, error)) })
}

function fieldError(root: Chart, { chart, path, message }: SchemaError): FieldError {
  const above = chart === root.metadata.name ? [] : (pathTo(root, chart) ?? [chart])
  const steps = [...above, ...path].map((step) => `/${escaped(step)}`)
  return { pointer: `/valuesOverride${steps.join('')}`, message }
}
