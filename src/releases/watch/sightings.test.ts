import { describe, expect, test } from 'vitest'
import { differences, isDisputed, type Known, keyOf, type Sighting } from './sightings.ts'

const release: Known = {
  id: 'r1',
  tenantId: 't1',
  namespace: 'ns',
  name: 'web',
  observed: { secretUid: 'u1', resourceVersion: '5' },
  busy: false,
  neverThere: false,
}
const sighting: Sighting = {
  namespace: 'ns',
  name: 'web',
  status: 'deployed',
  disputed: false,
  secretUid: 'u1',
  resourceVersion: '5',
}
const seen = (...sightings: Sighting[]) => new Map(sightings.map((s) => [keyOf(s), s]))

describe('differences', () => {
  test('the write that was looked at last is no difference', () => {
    expect(differences(seen(sighting), [release])).toEqual({ changed: [], unknown: [], busy: [] })
  })
  test('another write, another revision and a missing record are', () => {
    const changed = [{ id: 'r1', tenantId: 't1', key: 'ns/web' }]
    expect(differences(seen({ ...sighting, resourceVersion: '6' }), [release]).changed).toEqual(changed)
    expect(differences(seen({ ...sighting, secretUid: 'u2' }), [release]).changed).toEqual(changed)
    expect(differences(seen(), [release]).changed).toEqual(changed)
  })
  test('a release that Helm never had is not missed', () => {
    expect(differences(seen(), [{ ...release, observed: null, neverThere: true }]).changed).toEqual([])
  })
  test('a busy release is looked at by its worker, and compared again afterwards', () => {
    const busy = { ...release, busy: true }
    expect(differences(seen({ ...sighting, secretUid: 'u2' }), [busy])).toEqual({
      changed: [],
      unknown: [],
      busy: ['ns/web'],
    })
  })
  test('what was uninstalled and kept its history is no release to take in, but a change of one that is known', () => {
    const kept = { ...sighting, status: 'uninstalled', resourceVersion: '7' }
    expect(differences(seen(kept), []).unknown).toEqual([])
    expect(differences(seen(kept), [release]).changed).toHaveLength(1)
  })
  test('a revision of ours that is pending, or deployed too, beneath the newest is a difference', () => {
    expect(differences(seen({ ...sighting, disputed: true }), [release]).changed).toHaveLength(1)
    expect(isDisputed('deployed', [{ status: 'failed' }, { status: 'pending-upgrade' }])).toBe(true)
    expect(isDisputed('deployed', [{ status: 'deployed' }])).toBe(true)
    expect(isDisputed('pending-upgrade', [{ status: 'deployed' }])).toBe(false)
    expect(isDisputed('deployed', [{ status: 'failed' }])).toBe(false)
  })
  test('a record that nobody knows is told', () => {
    expect(differences(seen(sighting), []).unknown).toEqual([sighting])
  })
})
