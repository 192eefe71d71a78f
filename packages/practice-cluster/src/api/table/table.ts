import { isBuiltIn, qualifiedName } from '../../resources/table.ts'
import type { KubeObject, ResourceType } from '../../store/types.ts'
import type { Column } from './column.ts'
import { COLUMNS, PLAIN_COLUMNS } from './columns.ts'
import { customColumns } from './custom.ts'

export type Table = { readonly columnDefinitions: readonly object[]; readonly rows: readonly object[] }

/** The rows that kubectl prints, each with its object as `includeObject` wants it: `None`, `Metadata` or `Object`. */
export function tableOf(type: ResourceType, objects: readonly KubeObject[], includeObject: string): Table {
  const columns = isBuiltIn(type) ? (COLUMNS[qualifiedName(type)] ?? PLAIN_COLUMNS) : customColumns(type)
  return tableWith(columns, objects, includeObject)
}

/** The same with columns of the caller's choice. */
export function tableWith(columns: readonly Column[], objects: readonly KubeObject[], includeObject: string): Table {
  return {
    columnDefinitions: columns.map(({ name, type, priority, description = '' }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description,
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object)),
      ...includedObject(object, includeObject),
    })),
  }
}

function includedObject(object: KubeObject, includeObject: string): object {
  if (includeObject === 'None') return {}
  if (includeObject === 'Object') return { object }
  const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
  return { object: partial }
}

/** The JSON of a table. */
export function tableText(table: Table, resourceVersion: string, more: object = {}): string {
  return JSON.stringify({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion, ...more },
    ...table,
  })
}
