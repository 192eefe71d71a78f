import type { Execution, Side } from '../../core/model.ts'
import type { GateRow, Hashes } from '../../store/gate-row.ts'
import type { Lineage } from './model.ts'

type Ends = Pick<Execution, 'from' | 'to' | 'deployed' | 'change'>

/**
 * Which hashes are known for an execution. Without a gate nobody has noted them: the present template is that of the version
 * that the execution begins with, unless an upgrade has failed. `newest`: the chart version of Helm's newest revision. Then
 * that is the template's, unless a look has shown otherwise, and pods of one other template are those of the version
 * before. Pure.
 */
export function hashesFor(
  row: GateRow | null,
  { current }: Lineage,
  present: readonly string[],
  ends: Ends,
  newest: string | null,
): Hashes {
  if (row !== null) return row.state.hashes
  if (current === null) return {}
  const { from } = ends
  const version = versionOfTemplate(ends, newest)
  if (version === from.version) return { [from.version]: current }
  const others = [...new Set(present)].filter((hash) => hash !== current)
  const [before] = others
  const known = { [version]: current }
  return before === undefined || others.length > 1 ? known : { ...known, [from.version]: before }
}

function versionOfTemplate({ from, to, deployed, change }: Ends, newest: string | null): string {
  const { template = 'newest' } = change ?? {}
  if (template !== 'newest') return template === 'to' ? to.version : from.version
  return deployed || newest === null || newest === from.chartVersion ? from.version : newest
}

/** The version of pods with a hash, where their side tells none, or another one; undefined where it is not known. Pure. */
export function strayVersion(hash: string, side: Side, hashes: Hashes, { from, to }: Ends): string | undefined {
  const names = Object.keys(hashes).filter((version) => hashes[version] === hash)
  const name = names.find((version) => version === from.version || version === to.version) ?? names[0]
  const told = { previous: from.version, target: to.version, other: undefined }[side]
  return name === told ? undefined : name
}
