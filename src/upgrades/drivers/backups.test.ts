import { describe, expect, test } from 'vitest'
import { type Backup, type BackupFacts, claimTest, judgeBackups, type Snapshot } from './backups.ts'
import { renderedObjects } from './rendered.ts'

const now = Date.parse('2026-01-02T12:00:00Z')
const hours = (count: number) => new Date(now - count * 3_600_000).toISOString()

const backup = (phase: string, age: number, spec: Backup['spec'] = {}): Backup => ({
  metadata: { name: `${phase}-${age}` },
  spec,
  status: { phase, completionTimestamp: hours(age) },
})
const snapshot = (claim: string, age: number, readyToUse = true): Snapshot => ({
  metadata: { name: `${claim}-${age}` },
  spec: { source: { persistentVolumeClaimName: claim } },
  status: { readyToUse, creationTime: hours(age) },
})
const judge = (facts: Partial<BackupFacts>) =>
  judgeBackups({ namespace: 'shop', claims: ['data-0', 'data-1'], backups: [], snapshots: [], ...facts }, now)

describe('a backup', () => {
  test('is the newest complete one of the namespace, at most a day old', () => {
    const backups = [
      backup('Completed', 5),
      backup('Completed', 2),
      backup('PartiallyFailed', 1),
      backup('Completed', 30),
    ]
    expect(judge({ backups })).toEqual({
      kind: 'found',
      reference: 'Backup Completed-2',
      takenAt: Date.parse(hours(2)),
    })
  })

  test.each([
    [{ includedNamespaces: ['shop'] }, 'found'],
    [{ includedNamespaces: ['*'], excludedNamespaces: ['other'] }, 'found'],
    [{ includedNamespaces: ['other'] }, 'missing'],
    [{ excludedNamespaces: ['shop'] }, 'missing'],
  ])('covers the namespace: %o is %s', (spec, kind) => {
    expect(judge({ backups: [backup('Completed', 1, spec)] }).kind).toBe(kind)
  })

  test('does not count when it is old, unfinished, or from the future', () => {
    const backups = [backup('Completed', 25), backup('InProgress', 1), backup('Completed', -1)]
    expect(judge({ backups })).toMatchObject({ kind: 'missing', claims: ['data-0', 'data-1'] })
  })

  test('may be snapshots of every claim, and is as old as the oldest of them', () => {
    const snapshots = [snapshot('data-0', 3), snapshot('data-1', 9), snapshot('data-1', 4), snapshot('other', 1)]
    expect(judge({ snapshots })).toMatchObject({ kind: 'found', takenAt: Date.parse(hours(4)) })
    expect(judge({ snapshots: [snapshot('data-0', 3), snapshot('data-1', 9, false)] })).toMatchObject({
      kind: 'missing',
      claims: ['data-1'],
    })
  })
})

test('claims of a release are its own, those of its pods and those of its StatefulSets', () => {
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'named' } }]
  const isMine = claimTest(
    renderedObjects([
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'own' } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { template: { spec: { volumes } } },
      },
      {
        ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'store' } },
        spec: { volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
      },
    ]),
  )
  const claims = ['own', 'named', 'data-store-0', 'data-store-12', 'data-other-0', 'data-store-x', 'another']
  expect(claims.filter(isMine)).toEqual(['own', 'named', 'data-store-0', 'data-store-12'])
})
