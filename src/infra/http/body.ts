import type { FastifyInstance } from 'fastify'
import { repeatedField } from './repeated-field.ts'
import { inputProblem, pointer } from './validate.ts'

/** Bodies are at most 1 MiB (SPEC section 1). */
export const maxBodyBytes = 1024 * 1024
/** Deeper than any sensible body; values have a lower limit of their own (SECURITY.md: 64). */
const maxDepth = 100

/**
 * JSON is the only body. An empty one counts as none, whatever its Content-Type says. Nesting that would exhaust the
 * stack of whoever walks the value is refused here, and a field that is given twice, of which reading keeps one and tells
 * nothing; `brokenParts` refuses names that reach a prototype.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('ignore', 'ignore')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const json = decoded(body)
    if (json === null) return done(inputProblem([{ pointer: '', message: 'is not UTF-8' }]))
    if (json.trim() === '') return done(null, undefined)
    if (jsonDepth(json, maxDepth) > maxDepth)
      return done(inputProblem([{ pointer: '', message: `is nested deeper than ${maxDepth}` }]))
    void parse(request, json, (error, value) => {
      const repeated = error === null ? repeatedField(json) : null
      done(repeated === null ? error : inputProblem([repeatedError(repeated)]), value)
    })
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The text of a body; null where it is none: to put something else in place of what cannot be read would change it. */
function decoded(body: string | Buffer): string | null {
  try {
    return typeof body === 'string' ? body : utf8.decode(body)
  } catch {
    return null
  }
}

const repeatedError = (path: readonly PropertyKey[]) => ({
  pointer: pointer('body', path),
  message: 'is given more than once',
})

/** How deep JSON text nests, without parsing it; stops counting past `enough`. */
export function jsonDepth(text: string, enough: number): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < text.length && deepest <= enough; i++) {
    const char = text[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth)
    else if (char === '}' || char === ']') depth--
  }
  return deepest
}
