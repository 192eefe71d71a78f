import { ApiError } from '../status.ts'
import { printPath } from './fieldset.ts'
import type { Manager } from './managers.ts'

/** A field that an apply would change and somebody else owns. */
export type Conflict = { readonly manager: Manager; readonly time: string | undefined; readonly path: string }

/** The 409 of an apply, with one cause a field. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map((conflict) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printManager(conflict)}`,
    field: printPath(conflict.path),
  }))
  return new ApiError(409, 'Conflict', message(conflicts), { causes })
}

function message(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${printManager(first)}: ${printPath(first.path)}`
  }
  const byManager = Map.groupBy(conflicts, printManager)
  const lines = [...byManager]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([manager, each]) => [`conflicts with ${manager}:`, ...each.map(({ path }) => `- ${printPath(path)}`)])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}

function printManager({ manager }: Conflict): string {
  const subresource = manager.subresource === '' ? '' : ` with subresource ${JSON.stringify(manager.subresource)}`
  const using = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : ''
  return JSON.stringify(manager.name) + subresource + using
}
