import { expect, test } from 'vitest'
import { queued } from './core/create.ts'
import type { Phase, ReleaseState, Remains } from './core/model.ts'
import { rest, wanted } from './core/testing/states.ts'
import type { ReleaseCluster } from './ports.ts'
import { remainsOf } from './remains.ts'

const hook = { kind: 'Job', name: 'hook', why: 'made by a hook' }
const hanging = { kind: 'ConfigMap', name: 'app', why: 'it is not being deleted' }
const gone: Remains = { gone: true, deleting: false, blockers: [], remaining: [], leftovers: [] }
const stays: Remains = { ...gone, gone: false, remaining: [hanging] }

function uninstalling(phase: Phase): ReleaseState {
  const before = { status: 'DEPLOYED', attemptedChartVersion: null } as const
  return { ...rest(), operation: { ...queued(wanted(), 'uninstall', before, 1), phase } }
}

async function look(state: ReleaseState, remains: Remains) {
  let reads = 0
  const cluster = {
    remains: async () => remains,
    leftBehind: async () => {
      reads += 1
      return [hook]
    },
  } as unknown as ReleaseCluster
  const manifests = async () => ({ newest: 'm', unfinished: null, history: async function* () {} })
  const seen = await remainsOf(state, { cluster, now: 1 }, manifests)
  return { reads, leftovers: seen?.leftovers }
}

test('what earlier revisions have left is looked for where a removal ends', async () => {
  const read = { reads: 1, leftovers: [hook] }
  const helmDid = uninstalling({ name: 'removing', byHelm: true })
  const failed = rest({ status: 'FAILED', failedKind: 'uninstall' })
  for (const state of [helmDid, failed, rest(), uninstalling({ name: 'removing' })])
    expect(await look(state, gone)).toEqual(read)
  // Nothing goes on removing these.
  expect(await look(rest(), stays)).toEqual(read)
  expect(await look(uninstalling({ name: 'removing' }), stays)).toEqual(read)
})

test('and not at every look of one that does not end', async () => {
  const unread = { reads: 0, leftovers: [] }
  expect(await look(uninstalling({ name: 'removing', byHelm: true }), stays)).toEqual(unread)
  expect(await look(rest({ status: 'FAILED', failedKind: 'uninstall' }), stays)).toEqual(unread)
  expect(await look(rest(), { ...stays, deleting: true })).toEqual(unread)
})
