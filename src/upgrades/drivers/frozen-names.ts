import type { Hashes } from '../store/gate-row.ts'

/** How many pods run each version, as the record of a frozen release says. */
export type Versions = Readonly<Record<string, number>>

/** Pods of a version that nobody has told. */
export const unknown = 'unknown'

/**
 * The version of each hash that is known of a frozen fleet, for whatever is told of it: of versions with the same template
 * the one that the record names. `template`: the hash of the present one; null where it is not known. Pure.
 */
export function namesByHash(hashes: Hashes, template: string | null, known: Versions): ReadonlyMap<string, string> {
  const all = Object.entries(withTemplate(hashes, template, known))
  const named = all.toSorted(([one], [other]) => Number(one in known) - Number(other in known))
  return new Map(named.map(([version, hash]) => [hash, version]))
}

/**
 * A controller that was slow when the fleet was frozen has told no hash of the template that helm had just applied: it is
 * that of the only version which the record names and no hash is known of.
 */
function withTemplate(hashes: Hashes, template: string | null, known: Versions): Hashes {
  if (template === null || Object.values(hashes).includes(template)) return hashes
  const [version, ...others] = Object.keys(known).filter((name) => name !== unknown && !(name in hashes))
  return version === undefined || others.length > 0 ? hashes : { ...hashes, [version]: template }
}
