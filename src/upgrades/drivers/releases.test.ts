import { expect, test } from 'vitest'
import type { FleetRelease, ReleaseCluster } from '../../releases/index.ts'
import type { Execution } from '../core/model.ts'
import { releaseDriver } from './releases.ts'

const execution = {
  from: { id: 'from', version: '1.0', chartVersion: '1.0.0' },
  to: { id: 'to', version: '1.1', chartVersion: '1.1.0' },
  healthEndpoint: null,
  claims: [{ releaseId: 'one', revision: 2 }],
} as unknown as Execution
const cluster = { readiness: async () => ({ settled: true, blockers: [] }) } as unknown as ReleaseCluster

/** The one member of a fleet of this release. */
async function memberOf(release: Partial<FleetRelease>, isApplied: boolean) {
  const driver = releaseDriver({
    releasesOf: async () => [{ ...deployed, ...release }],
    clusterOf: () => cluster,
    manifest: async () => '',
    isApplied: async () => isApplied,
    workedOn: async () => new Set(),
    probe: async () => 'good',
  })
  const sight = await driver.observe(execution, { aboutToGo: [], wantsProbe: () => false })
  return sight.kind === 'gone' ? undefined : sight.members[0]
}

const deployed = {
  ...{ id: 'one', name: 'one', clusterId: 'cluster', namespace: 'ns', status: 'DEPLOYED', revision: 2 },
  ...{ chartVersion: '1.0.0', newestChartVersion: '1.0.0', newestFailed: false },
} as unknown as FleetRelease
const failed = { status: 'FAILED', newestChartVersion: '1.1.0', newestFailed: true }

test.each([
  ['as it was', {}, true, 'previous', undefined],
  ['upgraded, and not concluded yet', { newestChartVersion: '1.1.0', revision: 3 }, true, 'target', undefined],
  ['failed before helm applied it', { ...failed, revision: 3 }, false, 'target', '1.0'],
  ['failed though helm applied it', { ...failed, revision: 3 }, true, 'target', undefined],
  ['found failed, nothing applied', failed, false, 'previous', undefined],
  ['found failed, applied', failed, true, 'previous', '1.1'],
  ['of a version in between', { newestChartVersion: '1.0.5' }, true, 'other', '1.0.5'],
] as const)('a release %s tells the version that its pods run', async (_, release, isApplied, side, version) => {
  const member = await memberOf(release, isApplied)
  expect([member?.side, member?.version]).toEqual([side, version])
})
