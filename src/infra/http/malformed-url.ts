import type { FieldError } from '../../core/problems.ts'
import { pointer } from './validate.ts'

const message = 'is not percent-encoded UTF-8'

/**
 * Where a URL holds what is not percent-encoded UTF-8, so that it is refused as a body is that is no UTF-8: what reads the
 * query would take it as it stands, undecoded. `pattern` names the steps of the path, as `/things/:id` does; null: no route is that one.
 */
export function malformedUrl(pattern: string | null, url: string): readonly FieldError[] {
  const [path = '', query = ''] = splitOnce(url, /[?#]/)
  const wrong = [...wrongSteps(pattern, path), ...wrongParameters(query)]
  return [...new Set(wrong)].map((where) => ({ pointer: where, message }))
}

function wrongSteps(pattern: string | null, path: string): string[] {
  const names = pattern?.split('/') ?? []
  return path.split('/').flatMap((step, n) => {
    const name = names[n] ?? ''
    if (decoded(step) !== null) return []
    return [name.startsWith(':') ? pointer('path', [name.slice(1)]) : 'path']
  })
}

function wrongParameters(query: string): string[] {
  return query.split('&').flatMap((parameter) => {
    const [name = '', value = ''] = splitOnce(parameter, /=/)
    const told = decoded(name)
    return told === null || decoded(value) === null ? [pointer('query', [told ?? name])] : []
  })
}

function splitOnce(text: string, at: RegExp): readonly string[] {
  const index = text.search(at)
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

/** What a part says; null where it is not percent-encoded UTF-8. What reads requests takes bytes beyond ASCII one by one. */
function decoded(part: string): string | null {
  try {
    return /^[\x21-\x7e]*$/.test(part) ? decodeURIComponent(part) : null
  } catch {
    return null
  }
}
