import type { FieldError } from '../../core/problems.ts'
import { type InputPart, pointer } from './validate.ts'

/**
 * Where an input holds text that is no text: the character NUL, or half of a surrogate pair. JSON can write both;
 * neither PostgreSQL nor Kubernetes keeps them, so they are refused before anybody tries.
 */
export function brokenTexts(part: InputPart, input: unknown): readonly FieldError[] {
  const found: FieldError[] = []
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value === 'string' && !isText(value)) found.push(broken(part, path))
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (isText(key)) visit(inner, [...path, key])
      else found.push(broken(part, path))
    }
  }
  visit(input, [])
  return found
}

const isText = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

const broken = (part: InputPart, path: readonly PropertyKey[]): FieldError => ({
  pointer: pointer(part, path),
  message: 'must be text without NUL and without halves of surrogate pairs',
})
