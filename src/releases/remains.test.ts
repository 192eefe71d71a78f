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

async function look(state: ReleaseState, remains: Remains, now = 1) {
  let reads = 0
  const cluster = {
    remains: async () => remains,
    leftBehind: async () => {
      reads += 1
      return [hook]
    },
  } as unknown as ReleaseCluster
  const manifests = async () => ({ newest: 'm', unfinished: null, history: async function* () {} })
  const seen = await remainsOf(state, { cluster, now }, manifests)
  return { reads, leftovers: seen?.leftovers, whole: seen?.whole }
}

test('what earlier revisions have left is looked for where a removal ends', async () => {
  const read = { reads: 1, leftovers: [hook], whole: true }
  const helmDid = uninstalling({ name: 'removing', byHelm: true })
  const failed = rest({ status: 'FAILED', failedKind: 'uninstall' })
  for (const state of [helmDid, failed, rest(), uninstalling({ name: 'removing' })])
    expect(await look(state, gone)).toEqual(read)
  // Nothing goes on removing these.
  expect(await look(rest(), stays)).toEqual(read)
  expect(await look(uninstalling({ name: 'removing' }), stays)).toEqual(read)
})

test('and not at every look of one that does not end', async () => {
  const unread = { reads: 0, leftovers: [], whole: undefined }
  expect(await look(uninstalling({ name: 'removing', byHelm: true }), stays)).toEqual(unread)
  expect(await look(rest({ status: 'FAILED', failedKind: 'uninstall' }), stays)).toEqual(unread)
  expect(await look(rest(), { ...stays, deleting: true })).toEqual(unread)
})

test('pods that are stopping may be the last of it when the time is nearly over', async () => {
  const helmDid = uninstalling({ name: 'removing', byHelm: true })
  const late = { ...helmDid, operation: helmDid.operation && { ...helmDid.operation, deadline: 10_000 } }
  const stopping: Remains = { ...stays, deleting: true, stopping: { until: 30_000 } }
  expect(await look(late, stopping)).toMatchObject({ reads: 0 })
  expect(await look(late, stopping, 9_000)).toMatchObject({ reads: 1, whole: true })
})

test('what another hand removes is told with all that stays when it is waited for no longer', async () => {
  const going: Remains = { ...stays, deleting: true }
  const waitingFor = { reason: 'UNINSTALLING', until: 10_000, detail: '' } as const
  expect(await look(rest({ waitingFor }), going, 7_000)).toMatchObject({ reads: 0 })
  expect(await look(rest({ waitingFor }), going, 9_000)).toMatchObject({ reads: 1, whole: true })
  const yielding = uninstalling({ name: 'yielding', what: 'it was uninstalled', until: 1_000 })
  expect(await look(yielding, going, 28_000)).toMatchObject({ reads: 0 })
  expect(await look(yielding, going, 30_000)).toMatchObject({ reads: 1, whole: true })
})
