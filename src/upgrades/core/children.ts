import type { Uuid } from '../../core/subject.ts'
import type { ChildSight, Execution, ReleaseSight } from './model.ts'

type Which = 'deploy' | 'undo'
type Releases = ReadonlyMap<string, ReleaseSight>

/** The claimed releases of which our operation stands so. */
export function releasesWith(
  { claims }: Execution,
  releases: Releases,
  which: Which,
  ...kinds: readonly ChildSight['kind'][]
): readonly Uuid[] {
  return claims.flatMap(({ releaseId }) => {
    const sight = releases.get(releaseId)
    return sight !== undefined && kinds.includes(sight[which].kind) ? releaseId : []
  })
}

/** Why one of our operations failed, or null. */
export function failureOf({ claims }: Execution, releases: Releases, which: Which) {
  for (const { releaseId } of claims) {
    const child = releases.get(releaseId)?.[which]
    if (child?.kind === 'failed') return child
  }
  return null
}

/** The releases that have a revision of ours to go back from: helm was run and did write one. */
export function touchedReleases({ claims }: Execution, releases: Releases): readonly Uuid[] {
  return claims.flatMap((claim) => {
    const sight = releases.get(claim.releaseId)
    if (sight === undefined || sight.deploy.kind === 'absent') return []
    const moved = sight.revision !== claim.revision || (claim.secretUid !== null && sight.secretUid !== claim.secretUid)
    return moved ? claim.releaseId : []
  })
}
