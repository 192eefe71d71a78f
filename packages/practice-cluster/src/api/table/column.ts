import type { KubeObject } from '../../store/types.ts'
import { ageOf, selectorText } from './cells.ts'

export type Values = Readonly<Record<string, unknown>>

/** What kubectl prints in a cell; null is printed as nothing. */
export type Cell = string | number | boolean | null
export type Column = {
  readonly name: string
  readonly type: string
  readonly description?: string
  /** 1 for columns that only `-o wide` shows. */
  readonly priority: number
  readonly cell: (object: KubeObject) => Cell
}

export const values = (value: unknown): Values => (value ?? {}) as Values
export const list = (value: unknown): readonly Values[] => (value ?? []) as readonly Values[]
export const spec = (object: KubeObject): Values => values(object.spec)
export const status = (object: KubeObject): Values => values(object.status)
export const count = (value: unknown): number => Number(value ?? 0)
export const text = (value: unknown, otherwise = ''): string =>
  value === undefined || value === null ? otherwise : String(value)

type Draw = (object: KubeObject) => Cell

export const column = (name: string, type: string, cell: Draw, priority = 0): Column => ({ name, type, cell, priority })
export const string = (name: string, cell: Draw): Column => column(name, 'string', cell)
export const integer = (name: string, cell: Draw): Column => column(name, 'integer', cell)
export const wide = (name: string, cell: Draw): Column => column(name, 'string', cell, 1)

export const nameColumn = string('Name', (object) => object.metadata.name)
export const ageColumn = string('Age', ageOf)
/** Kinds for which a real API server has no printer show when they were made, in full. */
export const createdColumn = column('Created At', 'date', (object) => object.metadata.creationTimestamp)

/** The first three of many, and how many more there are. */
export function firstOf(all: readonly string[], most = 3): string {
  if (all.length === 0) return '<none>'
  const shown = all.slice(0, most).join(',')
  return all.length > most ? `${shown} + ${all.length - most} more...` : shown
}

type TemplateOf = (object: KubeObject) => unknown
const inSpec: TemplateOf = (object) => spec(object).template

/** Names and images of the containers of a template. */
export function containerColumns(priority: 0 | 1, templateOf: TemplateOf = inSpec): readonly Column[] {
  const joined = (field: string) => (object: KubeObject) =>
    list(values(values(templateOf(object)).spec).containers)
      .map((each) => each[field])
      .join(',')
  return [
    column('Containers', 'string', joined('name'), priority),
    column('Images', 'string', joined('image'), priority),
  ]
}

export const selectorColumn = wide('Selector', (object) => selectorText(spec(object).selector))
