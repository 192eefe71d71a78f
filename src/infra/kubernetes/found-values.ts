const introduced = /(?:Invalid|Unsupported|Duplicate|Forbidden) value: /g

/**
 * What an API server says of fields, without the values that it found there: it writes out all of what it refuses, a whole
 * pod template with its environment too, as JSON or as Go writes its structs. Where the end of a value is not found, as in
 * a text that was cut, all of the rest goes. Pure.
 */
export function withoutFoundValues(text: string): string {
  return withoutValuesBehind(introduced, text)
}

/** The same for values that are introduced by something else; `introduced` is global. Pure. */
export function withoutValuesBehind(introduced: RegExp, text: string): string {
  let shown = ''
  let at = 0
  for (const match of text.matchAll(introduced)) {
    const from = match.index + match[0].length
    // Inside a value that is cut already.
    if (match.index < at) continue
    shown += `${text.slice(at, from)}***`
    at = endOfValue(text, from)
  }
  return shown + text.slice(at)
}

const closes: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }
const quotes = new Set(['"', '`'])
/** What ends a value that stands outside of all brackets: the reason, the next error, the end of their list. */
const ends = new Set([':', ',', ']', '\n'])

function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfQuoted(text, from)
  // Quoted within a quoted text: where it ends is not to be known.
  if (text[from] === '\\') return text.length
  const open: string[] = []
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? ''
    if (open.length === 0 && ends.has(char)) return at
    const closing = closes[char]
    if (closing !== undefined) open.push(closing)
    else if (open.at(-1) === char) open.pop()
    else if (open.length > 0 && quotes.has(char)) at = endOfQuoted(text, at) - 1
  }
  return text.length
}

/** Behind the closing quote; the end of the text where there is none. */
function endOfQuoted(text: string, from: number): number {
  const quote = text[from]
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === quote) return at + 1
    if (text[at] === '\\' && quote === '"') at++
  }
  return text.length
}
