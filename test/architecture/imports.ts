import { posix } from 'node:path'

/** The files of a checkout: path from its root, and text. */
export type Tree = ReadonlyMap<string, string>

/** One import of a file: what it names, and what that is, a path from the root or the name of a package. */
export type Import = { readonly specifier: string; readonly target: string; readonly names: readonly string[] }

const forms = [
  /^[ \t]*(?:import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\b()\s*['"]([^'"]+)['"]/gm,
  /\bimport()\(\s*['"]([^'"]+)['"]/g,
  /\bnew URL()\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g,
]

/** Everything that a module imports: static, re-exported, for its effect, dynamic, and threads by their URL. */
export function importsOf(path: string, text: string): readonly Import[] {
  return forms.flatMap((form) =>
    [...text.matchAll(form)].map(([, clause = '', specifier = '']) => ({
      specifier,
      target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
      names: [...clause.matchAll(/[A-Za-z_$][\w$]*/g)].map(([name]) => name),
    })),
  )
}
