import type { Instant } from '../../core/instant.ts'
import { rfc3339 } from '../../infra/http/time.ts'
import { type BackupSight, backupMaxAgeMs } from '../drivers/backups.ts'
import type { Finding } from '../ports.ts'
import type { Backup } from '../store/backups.ts'

/** Pre-check 3: what the release keeps is backed up, in the cluster or as it was recorded; or it keeps nothing. */
export function backup(sight: BackupSight, recorded: Backup | null, now: Instant): Finding {
  if (sight.kind === 'nothing-to-back-up') {
    return { status: 'PASSED', message: 'The release keeps nothing: it has no volume claims', evidence: { claims: [] } }
  }
  if (sight.kind === 'found') return found(sight.reference, sight.takenAt)
  const isRecent = recorded !== null && now - recorded.takenAt <= backupMaxAgeMs
  if (isRecent) return found(recorded.reference, recorded.takenAt)
  const evidence = { claims: [...sight.claims], recorded: recorded === null ? null : rfc3339(recorded.takenAt) }
  return { status: 'FAILED', message: `No backup is at most 24 hours old: ${sight.detail}`, evidence }
}

function found(reference: string, takenAt: Instant): Finding {
  const evidence = { reference, takenAt: rfc3339(takenAt) }
  return { status: 'PASSED', message: `There is a backup of ${evidence.takenAt}`, evidence }
}
