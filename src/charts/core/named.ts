import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { listItems } from '../../core/list-items.ts'
import { Problem } from '../../core/problems.ts'

/** An object that a chart renders, and the template that it came from. */
export type Rendered = { readonly source: string | null; readonly object: JsonObject }

/**
 * Throws `chart_invalid` for an object without a name, also one that the server would name by `generateName`: Helm finds an object
 * by the name in its record, and could neither upgrade nor uninstall the release any more (docs/adr/0069). A hook that cannot
 * be made fails its own operation only; Helm takes a document for one by its own annotation, not by those of the items of a list.
 */
export function refuseNameless(rendered: readonly Rendered[]): void {
  const found = rendered
    .filter(({ object }) => !isHook(object))
    .flatMap(({ source, object }) => listItems(object).map((item) => ({ source, item })))
    .find(({ item }) => isNameless(item))
  if (found === undefined) return
  const { source, item } = found
  const where = source === null ? '' : ` in ${source}`
  const detail =
    `${String(item.kind)}${where} has no metadata.name: Helm could neither upgrade nor uninstall it. ` +
    'Give it a name; generateName is none'
  throw new Problem('chart_invalid', detail)
}

function isNameless({ kind, metadata }: JsonObject): boolean {
  const { name } = isJsonObject(metadata) ? metadata : {}
  return typeof kind === 'string' && (typeof name !== 'string' || name === '')
}

function isHook({ metadata }: JsonObject): boolean {
  const { annotations } = isJsonObject(metadata) ? metadata : {}
  return isJsonObject(annotations) && typeof annotations['helm.sh/hook'] === 'string'
}
