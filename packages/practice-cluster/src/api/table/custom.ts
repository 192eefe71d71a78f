import { type PrinterColumn, versionOf } from '../../resources/custom/kinds.ts'
import type { KubeObject, ResourceType } from '../../store/types.ts'
import { age } from './cells.ts'
import { ageColumn, type Cell, type Column, nameColumn } from './column.ts'
import { jsonPathOf } from './json-path.ts'

/** The columns of a custom kind: its name, then what its definition asks for, or its age. */
export function customColumns(type: ResourceType): readonly Column[] {
  const declared = versionOf(type)?.additionalPrinterColumns
  return declared === undefined ? [nameColumn, ageColumn] : [nameColumn, ...declared.map(columnOf)]
}

function columnOf({ name, type, jsonPath, description, priority = 0 }: PrinterColumn): Column {
  const find = jsonPathOf(jsonPath)
  const words = description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`
  return { name, type, priority, description: words, cell: (object) => cellOf(type, find(object as Whole)[0]) }
}

type Whole = KubeObject

/** The first value of a path, where it is of the column's type; null otherwise. */
function cellOf(type: string, value: unknown): Cell {
  if (value === undefined || value === null) return null
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value)
  if (type === 'date') return typeof value === 'string' ? dateCell(value) : null
  if (type === 'boolean') return typeof value === 'boolean' ? value : null
  if (typeof value !== 'number') return null
  return type === 'integer' ? Math.trunc(value) : value
}

const dateCell = (value: string): string => (Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value))
