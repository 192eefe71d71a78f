import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createVault, vaultKey } from '../infra/secrets/vault.ts'
import { nothingOverwritten } from './core/model.ts'
import { evidenceView, isOfAct, keptForm, keptOf, openEvidence, sealEvidence } from './evidence.ts'

const vault = createVault([vaultKey(randomBytes(32))])

test('evidence lies sealed until it is read, and opens for its operation only', () => {
  const kept = sealEvidence(vault, 'one', { helm: 'canary' })
  expect(JSON.stringify(kept)).not.toContain('canary')
  expect(openEvidence(vault, 'one', kept)).toEqual({ helm: 'canary' })
  expect(() => openEvidence(vault, 'two', kept)).toThrow()
  expect(openEvidence(vault, 'one', { helm: 'not sealed' })).toEqual({ helm: 'not sealed' })
})

test('what hooks left comes before workloads that the act may never have reached', () => {
  const found = { conflicts: [], pods: 'of workloads' }
  expect(evidenceView({ helm: 'said', hooks: 'of hooks' }, found)).toEqual({
    ...{ helm: 'said', conflicts: [], pods: 'of hooks' },
  })
  expect(evidenceView({ helm: 'said' }, found)).toMatchObject({ pods: 'of workloads' })
  expect(evidenceView(null, null)).toEqual({ helm: null, conflicts: [], pods: null })
})

test('conflicts as the cluster has them come before those that helm named', () => {
  const named = [{ field: '.spec.replicas' }]
  expect(evidenceView({ conflicts: named }, null)).toMatchObject({ conflicts: named })
  const live = [{ field: '.spec.replicas', live: 4 }]
  expect(evidenceView({ conflicts: named }, { conflicts: live, pods: null })).toMatchObject({ conflicts: live })
})

test('what the cluster refused is told where the act has told it', () => {
  const refused = [{ method: 'DELETE', object: 'pods "a"', status: 403, message: 'no right' }]
  const bare = { helm: 'said', conflicts: [], pods: null }
  expect(evidenceView({ helm: 'said', refused }, null)).toEqual({ ...bare, refused })
  expect(evidenceView({ helm: 'said' }, null)).toEqual(bare)
})

test('helm that was ended before it spoke is said to have said nothing', () => {
  expect(evidenceView({ helm: '' }, null)).toMatchObject({ helm: expect.stringContaining('nothing') })
})

test('only what an act gave alone still has to be brought into its form', () => {
  expect(isOfAct({ helm: 'said', conflicts: [] })).toBe(true)
  expect(isOfAct(evidenceView({ helm: 'said' }, null))).toBe(false)
})

test('what was overwritten is kept with the evidence, and beside none', () => {
  const field = { object: 'Deployment app', field: '.spec.replicas', manager: 'kubectl', live: 4, wanted: 2 }
  for (const evidence of [null, { helm: 'said', conflicts: [], pods: null }, { sealed: 'text' }]) {
    for (const overwritten of [
      nothingOverwritten,
      { fields: [field], incomplete: null },
      { fields: [], incomplete: 'it is not known' },
    ])
      expect(keptOf(keptForm({ evidence, overwritten }))).toEqual({ evidence, overwritten })
  }
  // What is sealed stays where a change of the key finds it.
  expect(keptForm({ evidence: { sealed: 'text' }, overwritten: { fields: [field], incomplete: null } })).toMatchObject({
    sealed: 'text',
  })
})
