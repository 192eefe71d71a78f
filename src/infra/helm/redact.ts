import { withoutFoundValues, withoutValuesBehind } from '../kubernetes/index.ts'

/**
 * Cuts from helm's text what could hold values: what stands in quotes after a value's place, what templates made,
 * and long texts. Names of objects, fields and managers stay, or nobody could act on the message.
 */
export function redact(text: string): string {
  const cut = cuts.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
  return withoutValuesBehind(goValue, withoutFoundValues(cut))
}

/** How client-go writes what it found in place of another type. */
const goValue = /&value\.\w+(?=\{)/g

/** So much of what helm said is masked, and cut then to what is read. */
const longest = 64 * 1024

/**
 * The end of what helm said, redacted: whole lines, at most 64 KiB of them. Of a hidden text that a cut has gone through, what is
 * left would be shown; of lines there are no masks across them.
 */
export function redactedTail(stderr: string): string {
  const safe = wholeLines(redact(stderr)).trim()
  if (safe.length <= longest) return safe
  const from = safe.indexOf('\n', safe.length - longest - 1)
  return from === -1 ? tooLong : `…\n${safe.slice(from + 1)}`
}

/** The beginning of a redacted text likewise. */
export function redactedHead(safe: string): string {
  const whole = wholeLines(safe).trim()
  if (whole.length <= longest) return whole
  const to = whole.lastIndexOf('\n', longest)
  return to === -1 ? tooLong : `${whole.slice(0, to)}\n…`
}

const tooLong = '[a line that is too long to be shown]'

/** Where its output was too long to keep, what comes before may end within a value; what follows is redacted already. */
function wholeLines(safe: string): string {
  const cut = safe.indexOf('\n[… cut …]\n')
  return cut === -1 ? safe : safe.slice(0, safe.lastIndexOf('\n', cut - 1) + 1) + safe.slice(cut + 1)
}

const cuts: readonly (readonly [RegExp, string])[] = [
  // Where its output was too long to keep, what follows may begin within a value.
  [/(\[… cut …\]\n)[^\n]*/g, '$1'],
  // A crash of helm: what it panics about may hold values, and the stacks help nobody here.
  [/^panic: .*$/gm, 'panic: ***'],
  [/^goroutine \d+ [\s\S]*/m, '[stack cut]'],
  // The structured twin of an error repeats it with escaped quotes, which the patterns below do not read.
  [/^level=\w+ msg=.*$/gm, ''],
  // User info of a URL: the gateway's secret, or a repository's password.
  [/\b(https?:\/\/)[^/@\s"]+@/g, '$1***@'],
  // `fail` and `required` say what the template computed.
  [/(execution error at \([^)]*\)): [\s\S]*?(?=\nError:|$)/g, '$1: ***'],
  // Template functions quote their arguments: `error calling include: ... strconv.ParseInt: parsing "VALUE"`.
  [/(error calling \w+): [\s\S]*?(?=\nError:|$)/g, '$1: ***'],
  [/(wrong type for value; expected [^;]*; got) [^\n]*/g, '$1 ***'],
  [/(unrecognized|unknown) (type|value): [^\n]*/g, '$1 $2: ***'],
  // JSON schema: the value that does not match, and the values that would.
  [/^( *- at '[^']*': )'[\s\S]*?' (does not match pattern|has invalid)/gm, '$1*** $2'],
  [/^( *- at '[^']*': )'[\s\S]*?' (is not valid [\w-]+)[^\n]*/gm, '$1*** $2'],
  [/^( *- at '[^']*': )(?:value )must be (?:one of )?[^\n]*/gm, '$1value is not one of those allowed'],
  [/^( *- at '[^']*': (?:(?:exclusive)?(?:min|max)imum|multipleOf): got )[^\s,]+/gim, '$1***'],
  // YAML parsers quote the text that they cannot read.
  [/(cannot unmarshal !!\w+) `[^`]*`/g, '$1 `***`'],
  [/(json: cannot unmarshal \w+) into/g, '$1 into'],
  [/(parsing|invalid syntax:|illegal base64 data in) "(?:[^"\\]|\\.)*"/g, '$1 ***'],
]
