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

/** The end of what helm said, redacted, at most `limit` characters. */
export function redactedTail(stderr: string, limit = 4096): string {
  const safe = redact(stderr).trim()
  return safe.length > limit ? `…${safe.slice(-limit)}` : safe
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
