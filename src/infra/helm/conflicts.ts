import type { FieldConflict } from './types.ts'

const applied =
  /occurred while applying object (\S+) ([^,\s]+), Kind=(\S+): Apply failed with \d+ conflicts?: ([\s\S]*?)(?=\n(?:Error|level=)|$)/g
const manager = /conflicts? with "((?:[^"\\]|\\.)*)"[^:\n]*:([^\n]*(?:\n- \.[^\n]*)*)/g

/** Which fields another manager owns, from the text of a failed server-side apply. */
export function parseConflicts(stderr: string): readonly FieldConflict[] {
  const found: FieldConflict[] = []
  for (const [, path = '', , kind = '', text = ''] of stderr.matchAll(applied)) {
    for (const [, by = '', fields = ''] of text.matchAll(manager)) {
      for (const field of fields.split(/\n- |\s+/).filter((word) => word.startsWith('.'))) {
        found.push({ object: `${kind} ${path}`, field, manager: by })
      }
    }
  }
  return found
}
