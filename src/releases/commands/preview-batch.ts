import { Problem } from '../../core/problems.ts'
import { reasonToSkip } from '../batch/store.ts'
import type { ReleaseDeps } from '../deps.ts'
import { listedRelease } from '../views.ts'
import { type BatchTarget, needingUpgrade } from './batch-upgrade.ts'
import type { CommandCall } from './context.ts'
import { releasesWaiting } from './execution-waits.ts'
import { previewUpgrade, type UpgradePreview } from './preview.ts'

/**
 * What a batch upgrade would change, release by release, or why it would skip one now; nothing is changed. Throws `Problem`
 * chart_version_not_found.
 */
export async function previewBatch(deps: ReleaseDeps, call: CommandCall, { chart, targetVersion }: BatchTarget) {
  await deps.ports.charts.resolve(chart, targetVersion)
  const releases = []
  const rows = await needingUpgrade(deps, call, chart, targetVersion)
  for (const row of await releasesWaiting(deps.ports.executions, rows)) {
    releases.push({ release: listedRelease(row), ...(await previewOne(deps, call, row.id, targetVersion)) })
  }
  return { targetVersion, releases }
}

async function previewOne(deps: ReleaseDeps, call: CommandCall, id: string, chartVersion: string) {
  const state = await deps.states.load(deps.db, id)
  const skipped = state === null ? null : reasonToSkip(state, chartVersion)
  if (skipped !== null) return { diff: null, skipped }
  try {
    const diff: UpgradePreview = await previewUpgrade(deps, call, id, { chartVersion })
    return { diff, skipped: null }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return { diff: null, skipped: `${error.code}: ${error.message}` }
  }
}
