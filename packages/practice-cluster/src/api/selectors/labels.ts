import { badRequest } from '../status.ts'

type Labels = Readonly<Record<string, string>>
export type LabelSelector = (labels: Labels) => boolean

const KEY = `[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`
const SET = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s*\(([^()]*)\)$`)
const COMPARE = new RegExp(String.raw`^(${KEY})\s*(==|=|!=|>|<)\s*([^\s=!<>()]*)$`)
const EXISTS = new RegExp(String.raw`^(!?)\s*(${KEY})$`)

/**
 * Compiles a label selector as a query holds it: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
 * @throws ApiError 400 when it does not parse.
 */
export function parseLabelSelector(text: string): LabelSelector {
  const parts = splitOutsideParentheses(text)
  if (parts.length === 0) return () => true
  const requirements = parts.map(parseRequirement)
  return (labels) => requirements.every((matches) => matches(labels))
}

function splitOutsideParentheses(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim())
  return parts.length === 1 && parts[0] === '' ? [] : parts
}

function parseRequirement(text: string): LabelSelector {
  const set = SET.exec(text)
  if (set !== null) return membership(set[1] ?? '', set[2] === 'in', set[3] ?? '')
  const compare = COMPARE.exec(text)
  if (compare !== null) return comparison(compare[1] ?? '', compare[2] ?? '=', compare[3] ?? '')
  const exists = EXISTS.exec(text)
  if (exists === null) throw unparsable(text)
  const [, not, key = ''] = exists
  return (labels) => (labels[key] !== undefined) === (not === '')
}

function membership(key: string, wanted: boolean, list: string): LabelSelector {
  const values = new Set(list.split(',').map((value) => value.trim()))
  return (labels) => {
    const value = labels[key]
    return wanted ? value !== undefined && values.has(value) : value === undefined || !values.has(value)
  }
}

function comparison(key: string, operator: string, wanted: string): LabelSelector {
  if (operator === '!=') return (labels) => labels[key] !== wanted
  if (operator === '>') return (labels) => Number(labels[key] ?? Number.NaN) > Number(wanted)
  if (operator === '<') return (labels) => Number(labels[key] ?? Number.NaN) < Number(wanted)
  return (labels) => labels[key] === wanted
}

function unparsable(text: string): Error {
  const found = text.split(/\s+/)[1] ?? text
  return badRequest(`unable to parse requirement: found '${found}', expected: in, notin, =, ==, !=, gt, lt`)
}
