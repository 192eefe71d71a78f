import { describe, expect, test } from 'vitest'
import { adoptedRelease } from './create.ts'
import { decideRelease } from './decide.ts'
import { follow } from './follow.ts'
import type { HelmRevision, ReleaseState, RevisionSummary } from './model.ts'
import { comparedWith, lastSuccessful, revisionToReturnTo, verdictOf } from './revisions.ts'
import { place } from './testing/simulation.ts'
import { rest } from './testing/states.ts'

const revision = (number: number, chartVersion: string, verdict: RevisionSummary['verdict']): RevisionSummary => ({
  ...{ revision: number, chartVersion, verdict, secretUid: `uid-${number}`, operationId: null, chart: 'web' },
  ...{ chartDigest: null, appVersion: null, description: null, performedBy: 'test', createdAt: number },
})

describe('the revision that an execution goes back to', () => {
  const history = [
    revision(1, '1.0.0', 'DEPLOYED'),
    revision(2, '1.1.0', 'DEPLOYED'),
    revision(3, '1.4.0', 'FAILED'),
    revision(4, '1.2.0', 'FAILED'),
  ]

  test.each([
    ['is the newest of the version that ended DEPLOYED, not the failed one that was found', '1.1.0', 3, 2],
    ['is the one that was found, where it is that', '1.1.0', 2, 2],
    ['is never one that came after what was found', '1.2.0', 3, 3],
    ['is a failed one where a frozen fleet runs a version that never ended DEPLOYED', '1.4.0', 3, 3],
    ['is what was found where nothing is known of the version', '9.9.9', 4, 4],
  ])('%s', (_, chartVersion, found, expected) => {
    expect(revisionToReturnTo(history, { chartVersion, found, orFound: true })).toBe(expected)
  })

  test('is none where a release of its own never ran the version: what was found is of another', () => {
    expect(revisionToReturnTo(history, { chartVersion: '9.9.9', found: 4, orFound: false })).toBeNull()
    expect(revisionToReturnTo(history, { chartVersion: '1.4.0', found: 4, orFound: false })).toBe(3)
  })
})

const stored = (number: number, status: HelmRevision['status'], description: string): HelmRevision => ({
  ...{ revision: number, secretUid: `uid-${number}`, resourceVersion: '1', status, description, attempt: null },
  ...{ chart: 'web', chartVersion: `${number}.0.0`, appVersion: null, operationId: null, chartDigest: null },
  ...{ values: {}, manifest: '', hooks: '', deployedAt: number },
})

describe('how a superseded revision ended', () => {
  // As helm 4.1 and 3.17 leave them: what they say of a failure takes the place of any description that was given.
  test.each([
    ['DEPLOYED', 'Install complete'],
    ['DEPLOYED', 'Upgrade complete'],
    ['DEPLOYED', 'Rollback to 3'],
    ['DEPLOYED', 'tuned by ops'],
    ['DEPLOYED', 'the upgrade that failed: once more'],
    ['DEPLOYED', ''],
    ['FAILED', 'Initial install underway'],
    ['FAILED', 'Preparing upgrade'],
    ['FAILED', 'Release "web" failed: failed pre-install: resource Job/t/web-hook not ready'],
    ['FAILED', 'Upgrade "web" failed: pre-upgrade hooks failed: context deadline exceeded'],
    ['FAILED', 'Rollback "web" failed: conflict'],
    ['FAILED', 'failed: not_ready'],
    ['FAILED', 'failed: revision 2 lacks an object that is there; repeated'],
    ['FAILED', 'interrupted; settled by Flotilla'],
    ['FAILED', 'settled by admin'],
    ['UNINSTALLED', 'superseded by new release'],
    ['UNINSTALLED', 'Uninstallation complete'],
  ] as const)('%s: %s', (verdict, description) => {
    expect(verdictOf(stored(1, 'superseded', description))).toBe(verdict)
  })

  test('what helm itself is not sure of is not called DEPLOYED', () => {
    expect(verdictOf(stored(1, 'unknown', 'mine'))).toBe('FAILED')
  })
})

describe('the revision that helm compares an upgrade with', () => {
  const at = (number: number, status: HelmRevision['status']) => ({ revision: number, status })
  test.each([
    ['the newest that is deployed', [at(3, 'failed'), at(1, 'superseded'), at(2, 'deployed')], 2],
    ['of two that are, the newer', [at(1, 'deployed'), at(2, 'deployed')], 2],
    ['where none is, the newest', [at(1, 'superseded'), at(3, 'failed'), at(2, 'failed')], 3],
    ['none, where there is none', [], null],
  ] as const)('%s', (_, stored, wanted) => expect(comparedWith(stored)).toBe(wanted))
})

describe('a release that is adopted', () => {
  const at = { ...place, id: 'adopted' }
  const revived = [
    stored(1, 'superseded', 'Install complete'),
    stored(2, 'superseded', 'to two'),
    stored(3, 'uninstalled', 'Uninstallation complete'),
    stored(4, 'deployed', 'Rollback to 3'),
  ] as const
  const entries = ({ mirrored }: ReleaseState) =>
    mirrored.map(({ revision: number, verdict, performedBy }) => `${number} ${verdict} ${performedBy}`)

  test('has the verdicts that are known of its revisions, and who made them; of others Helm tells', () => {
    const known = [
      { ...revision(1, '1.0.0', 'DEPLOYED'), performedBy: 'anna', description: 'the first', chartDigest: 'sha256:1' },
      { ...revision(2, '2.0.0', 'FAILED'), performedBy: 'bert', operationId: 'of-another-release' },
    ]
    const state = adoptedRelease(at, revived, 5, known)
    expect(entries(state)).toEqual([
      '1 DEPLOYED anna',
      '2 FAILED bert',
      '3 UNINSTALLED external',
      '4 DEPLOYED external',
    ])
    expect(state.mirrored[0]).toMatchObject({ description: 'the first', chartDigest: 'sha256:1' })
    expect(state.mirrored[1]).toMatchObject({ operationId: null })
    expect(lastSuccessful({ ...state, revisions: state.mirrored })?.revision).toBe(1)
  })

  test('whose history nobody knows goes back to what was described', () => {
    const state = adoptedRelease(at, revived, 5, [])
    expect(lastSuccessful({ ...state, revisions: state.mirrored })?.revision).toBe(2)
  })

  test('shows what is pending beneath a newer revision as failed, and the newest as Helm has it now', () => {
    const pending = stored(1, 'pending-install', 'Initial install underway')
    const known = [revision(1, '1.0.0', 'PENDING_INSTALL'), revision(2, '2.0.0', 'UNINSTALLED')]
    const state = adoptedRelease(at, [pending, stored(2, 'deployed', 'Upgrade complete')], 5, known)
    expect(entries(state)).toEqual(['1 FAILED test', '2 DEPLOYED external'])
  })
})

describe('a revision that another hand has overtaken before it had ended', () => {
  const nothing = { evidence: null, leftByHook: null, overwritten: null, traffic: null, frozenVersions: null } as const
  const overtaken = (description: string) => {
    const state = rest()
    const revisions = state.revisions.map((one) =>
      one.revision === 3 ? { ...one, verdict: 'PENDING_UPGRADE' as const, description } : one,
    )
    const newest = { ...stored(4, 'deployed', 'Upgrade complete'), secretUid: 'u4' }
    const seen = { kind: 'present', newest, unknown: [], stored: [], readiness: null, remains: null } as const
    return follow({ ...state, revisions }, { ...seen, ...nothing }).mirrored[0]
  }

  test.each([
    ['Upgrade complete', 'overtaken before it had ended'],
    ['Install complete', 'overtaken before it had ended'],
    ['Preparing upgrade', 'overtaken before it had ended'],
    ['Rollback to 1', 'Rollback to 1'],
    ['the big one', 'the big one'],
  ])('has failed, and is not said to be complete: %s', (before, after) => {
    expect(overtaken(before)).toMatchObject({ revision: 3, verdict: 'FAILED', description: after })
  })
})

describe('a revision whose release was uninstalled', () => {
  const state = rest({ secretUid: 'u3' })
  const ours: ReleaseState = {
    ...state,
    revisions: state.revisions.map((one) => ({ ...one, operationId: 'ours', description: 'Upgrade complete' })),
  }
  const remains = { gone: true, deleting: false, blockers: [], remaining: [], leftovers: [] }
  const nothing = { evidence: null, leftByHook: null, overwritten: null, traffic: null, frozenVersions: null } as const
  const kept = (newest: HelmRevision) =>
    ({ kind: 'present', newest, unknown: [], stored: [], readiness: null, remains, ...nothing }) as const
  const followed = (observation: Parameters<typeof look>[0]) => look(observation).mirrored
  const look = (
    observation: Extract<Parameters<typeof decideRelease>[1], { kind: 'observed' }>['observation'],
    of: ReleaseState = ours,
  ) => {
    const decision = decideRelease(of, { kind: 'observed', observation, attempt: null }, 10)
    if (decision.kind === 'rejected') throw new Error(decision.detail)
    return decision.state
  }

  const ofOurs = { verdict: 'UNINSTALLED', performedBy: 'tester', operationId: 'ours', description: 'Upgrade complete' }

  test('by another hand says so, and who made it and with which words, also where Helm keeps its history', () => {
    const newest = { ...stored(3, 'uninstalled', 'moved away'), secretUid: 'u3' }
    expect(followed(kept(newest))).toMatchObject([ofOurs])
  })

  test('while it was under way has the words that say how it ended, where there are some', () => {
    const pending = (description: string) => ({
      ...ours,
      revisions: ours.revisions.map((one) => ({ ...one, description })),
    })
    const [entry] = look({ kind: 'absent', remains }, pending('Preparing upgrade')).mirrored
    expect(entry).toMatchObject({ ...ofOurs, description: null })
    const newest = { ...stored(3, 'uninstalled', 'moved away'), secretUid: 'u3' }
    expect(look(kept(newest), pending('Preparing upgrade')).mirrored).toMatchObject([
      { ...ofOurs, description: 'moved away' },
    ])
  })

  test('before it was ever seen has the words that Helm has left of it', () => {
    const newest = { ...stored(4, 'uninstalled', 'moved away'), secretUid: 'u4' }
    const byHand = { verdict: 'UNINSTALLED', performedBy: 'external', description: 'moved away' }
    expect(followed(kept(newest))).toMatchObject([byHand])
  })

  test('by another hand says so where Helm keeps nothing', () => {
    expect(followed({ kind: 'absent', remains })).toMatchObject([ofOurs])
  })
})
