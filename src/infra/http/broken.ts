import type { FieldError } from '../../core/problems.ts'
import { isText } from '../../core/text.ts'
import { type InputPart, pointer } from './validate.ts'

/**
 * Where an input holds what would not be kept as it was sent, so that it is refused before anybody tries:
 *
 * - text that is none, the character NUL or half of a surrogate pair. JSON can write both; neither PostgreSQL nor
 *   Kubernetes keeps them;
 * - numbers that reading has rounded already, from 2^53 on;
 * - names that would reach the prototype of what they are copied into.
 */
export function brokenParts(part: InputPart, input: unknown): readonly FieldError[] {
  const found: FieldError[] = []
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    const why = wrongWith(value)
    if (why !== null) found.push({ pointer: pointer(part, path), message: why })
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (!isText(key)) found.push({ pointer: pointer(part, path), message: noText })
      else if (isPoison(key, inner)) found.push({ pointer: pointer(part, [...path, key]), message: poison })
      else visit(inner, [...path, key])
    }
  }
  visit(input, [])
  return found
}

const noText = 'must be text without NUL and without halves of surrogate pairs'
const rounded = 'is a number that would be rounded: the largest is 9007199254740991; among values, send it as text'
const poison = 'is no name that a field may have'

function wrongWith(value: unknown): string | null {
  if (typeof value === 'string') return isText(value) ? null : noText
  if (typeof value === 'number') return isExact(value) ? null : rounded
  return null
}

/** Fractions are never exact, and nobody expects them to be; one that is out of range has become infinite. */
const isExact = (value: number): boolean => Math.abs(value) <= Number.MAX_SAFE_INTEGER

const isPoison = (key: string, value: unknown): boolean =>
  key === '__proto__' || (key === 'constructor' && Object.hasOwn(Object(value), 'prototype'))
