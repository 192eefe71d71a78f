/** A container that is being read: the names that its fields have had, and where in it the reading is. */
type Container = { readonly isList: boolean; names: Set<string> | null; step: string | number }

/**
 * The first field of JSON text that its object has had before, as the path to it; null where each is given once. What reads
 * JSON keeps the last of them and says nothing, so that a body may look other than it is taken. The text must be JSON.
 */
export function repeatedField(json: string): readonly (string | number)[] | null {
  const path: Container[] = []
  let isName = false
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '"') {
      const end = endOfText(json, at)
      if (isName && isRepeated(path.at(-1), json.slice(at, end + 1))) return path.map(({ step }) => step)
      isName = false
      at = end
    } else if (char === '{' || char === '[') {
      isName = char === '{'
      path.push({ isList: !isName, names: null, step: 0 })
    } else if (char === '}' || char === ']') {
      path.pop()
      isName = false
    } else if (char === ',') isName = isNext(path.at(-1))
  }
  return null
}

/** Goes on to what comes next in a container; true where that is a name. */
function isNext(within: Container | undefined): boolean {
  if (within?.isList !== true) return true
  within.step = Number(within.step) + 1
  return false
}

function isRepeated(within: Container | undefined, quoted: string): boolean {
  if (within === undefined) return false
  const name = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1)
  // Most objects of a large body have one field, or none.
  if (within.names === null && within.step === 0) {
    within.step = name
    return false
  }
  within.names ??= new Set([String(within.step)])
  within.step = name
  const { size } = within.names
  return within.names.add(name).size === size
}

/** Where the text ends that begins there: at the next quote that no backslash of its own stands before. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end
}

function isEscaped(json: string, at: number): boolean {
  let before = at
  while (json[before - 1] === '\\') before--
  return (at - before) % 2 === 1
}
