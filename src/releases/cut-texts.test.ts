import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../core/json.ts'
import { Problem } from '../core/problems.ts'
import { ActFailed } from '../infra/engine/index.ts'
import {
  type ClusterClient,
  collectEvidence,
  createDiscovery,
  type ManifestObject,
  problemOf,
} from '../infra/kubernetes/index.ts'
import { VirtualClock } from '../infra/kubernetes/testing/virtual-clock.ts'
import { maskedRefusal, maskOf } from '../infra/secrets/mask.ts'
import type { HelmRevision, Present } from './core/model.ts'
import { rest } from './core/testing/states.ts'
import { maskOfState, shownFailure, shownObservation } from './machine-shown.ts'
import type { Charts } from './ports.ts'
import { shownEvidence } from './shown-evidence.ts'

const secret = 'marked-in-the-schema'
const charts = { redact: async () => ({}), secrets: async () => [secret] } as unknown as Charts

/** So many signs before the secret: a part of it shows as what stands between the last of them and a cut. */
const saying = (before: number): string => `${'x'.repeat(before)}${secret} and more`

/** A pod that no node takes, in so many words before the secret. */
function unscheduled(before: number): string {
  const conditions = [{ type: 'PodScheduled', status: 'False', message: saying(before) }]
  return problemOf({ status: { phase: 'Pending', conditions } })
}

const newest = { values: {}, chartDigest: null, description: '' } as unknown as HelmRevision
const silent = {
  kind: 'present',
  newest,
  unknown: [],
  stored: [],
  readiness: null,
  remains: null,
  evidence: null,
  leftByHook: null,
}

async function shown(seen: object): Promise<Present> {
  const present = await shownObservation(charts, rest(), {
    ...silent,
    overwritten: null,
    ...seen,
  } as unknown as Present)
  return present as Present
}

test('wherever what is told of a hook is cut, nothing is left of a marked value', async () => {
  for (let before = 450; before < 520; before++) {
    const { leftByHook } = await shown({ leftByHook: saying(before) })
    expect(leftByHook?.includes('xm')).toBe(false)
    expect(leftByHook?.length).toBe(Math.min(500, before + 3 + ' and more'.length))
  }
})

test('wherever a long text is cut, nothing is left of a marked value', async () => {
  const blockers = Array.from({ length: 700 }, (_, before) => unscheduled(before))
  const readiness = { ready: 0, total: 1, settled: false, failed: false, blockers, stuckPods: [] }
  const said = (await shown({ readiness })).readiness?.blockers ?? []
  expect(said).toHaveLength(700)
  expect(said.filter((text) => text.includes('xm'))).toEqual([])
  expect(Math.max(...said.map(({ length }) => length))).toBe(500)
})

const wanted = { apiVersion: 'v1', kind: 'Pod', name: 'web', hook: null } as unknown as ManifestObject
const metadata = { name: 'web', namespace: 'apps', uid: 'u' }

/** What an API server gives of a log: its last lines, and of those no more than so many bytes. */
function logOf(whole: string, path: string): string {
  const query = new URLSearchParams(path.split('?')[1])
  const lines = whole.split(/(?<=\n)/)
  const tail = lines.slice(-Number(query.get('tailLines'))).join('')
  return Buffer.from(tail)
    .subarray(0, Number(query.get('limitBytes')))
    .toString('utf8')
}

/** The evidence of a pod of which everything that can be said is said in so many words. */
async function evidenceOf(words: string, log: (path: string) => string): Promise<Json> {
  const state = { waiting: { reason: 'CrashLoopBackOff', message: words } }
  const lastState = { terminated: { exitCode: 1, message: words } }
  const containerStatuses = [{ name: 'm', restartCount: 1, state, lastState }]
  const pod = { ...wanted, metadata, status: { phase: 'Pending', message: words, containerStatuses } }
  const event = { metadata: { name: 'e' }, reason: 'Failed', message: words }
  const client = {
    find: async () => pod,
    list: async () => ({ items: [event] }),
    text: async (path: string) => log(path),
  } as unknown as ClusterClient
  const clock = new VirtualClock()
  const parts = { client, discovery: createDiscovery(client, clock) }
  const pods = (await collectEvidence(parts, [wanted], 'apps', { clock })) as unknown as Json
  return { helm: '', conflicts: [], pods }
}

const logged = (whole: string) => (path: string) => logOf(whole, path)

describe('evidence of a failure', () => {
  test('wherever a text of it is cut, nothing is left of a marked value', async () => {
    for (let before = 450; before < 520; before++) {
      const evidence = await evidenceOf(saying(before), logged(`${saying(before)}\n`))
      const act = new ActFailed('unchanged', { code: 'not_ready', detail: '', evidence: { hooks: evidence } })
      const failure = shownFailure(act, await maskOfState(charts, rest())).failure
      const remains = { gone: false, deleting: false, blockers: [], remaining: [], leftovers: [], evidence }
      const told = JSON.stringify([failure, await shown({ evidence }), await shown({ remains })])
      expect(told.includes('xm'), `${before}`).toBe(false)
      expect(told.includes('x'.repeat(Math.min(500, before)))).toBe(true)
    }
  })

  test('wherever a log is cut by its bytes, only whole lines of it are told', async () => {
    const line = fc
      .tuple(fc.nat(1500), fc.nat(1500))
      .map(([from, to]) => `${'x'.repeat(from)}${secret}${'y'.repeat(to)}`)
    const logs = fc.record({ lines: fc.array(line, { minLength: 1, maxLength: 40 }), ends: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(logs, async ({ lines, ends }) => {
        const whole = `${lines.join('\n')}${ends ? '\n' : ''}`
        const { evidence } = await shown({ evidence: await evidenceOf('', logged(whole)) })
        const { pods } = evidence as { pods: { pods: { containers: { log: string[] }[] }[]; incomplete: boolean } }
        const log = pods.pods[0]?.containers[0]?.log ?? []
        const masked = lines.map((one) => one.replace(secret, '***').slice(0, 500))
        expect(masked).toEqual(expect.arrayContaining(log))
        expect(log.length === Math.min(20, lines.length) || pods.incomplete).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('of a log that may begin within a line, what is left of that is not told', async () => {
    // A runtime writes a long line in several parts, and an API server counts those.
    let begins = ''
    const log = (path: string) => {
      const tail = logOf(Array.from({ length: 40 }, (_, index) => `part ${index}\n`).join(''), path)
      begins = tail.split('\n')[0] ?? ''
      return tail
    }
    const { evidence } = await shown({ evidence: await evidenceOf('', log) })
    expect(begins).toMatch(/^part \d+$/)
    expect(JSON.stringify(evidence)).not.toContain(begins)
    expect(JSON.stringify(evidence)).toContain('"part 20"')
  })

  test('it is at most 64 KiB, however long the texts are', async () => {
    const { evidence } = await shown({ evidence: await evidenceOf('é'.repeat(20_000), logged('z\n'.repeat(20))) })
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThanOrEqual(64 * 1024)
    expect(JSON.stringify(evidence).includes('é'.repeat(500))).toBe(true)
  })
})

test('wherever the words of helm are cut, nothing is left of a marked value', async () => {
  for (let at = 0; at < 60; at++) {
    const helm = `${secret} and ${'y'.repeat(4096 - at)}`
    const detail = saying(960 + at)
    const act = new ActFailed('unchanged', { code: 'helm_failed', detail, evidence: { helm, conflicts: [] } })
    const { failure } = shownFailure(act, await maskOfState(charts, rest()))
    expect(failure.detail.includes('xm')).toBe(false)
    expect(failure.detail.length).toBeLessThanOrEqual(1000)
    const { helm: said } = failure.evidence as { helm: string }
    expect(/[a-z-] and/.test(said)).toBe(false)
    expect(said.length).toBeLessThanOrEqual(4096)
  }
})

test('wherever what helm refuses is cut, nothing is left of a marked value', () => {
  for (let before = 960; before < 1020; before++) {
    const errors = [{ pointer: '/valuesOverride', message: saying(before) }]
    const refused = maskedRefusal(new Problem('values_schema', saying(before), { errors }), maskOf([secret]))
    const { message, errors: named } = refused as Problem
    expect([message, ...named.map((one) => one.message)].filter((text) => text.includes('xm'))).toEqual([])
    expect(message.length).toBeLessThanOrEqual(1000)
    expect(named).toHaveLength(1)
  }
})

test('a marked value that is also the name of a part of the evidence leaves that part where it is, and as long as it may be', () => {
  const log = Array.from({ length: 5_000 }, (_, n) => `line ${n} of pods`)
  const pod = { name: 'p', containers: [{ name: 'c', log }], events: [] }
  const evidence = { helm: 'helm said it', pods: { workloads: [], pods: [pod], incomplete: false } }
  const told = shownEvidence(evidence, maskOf(['helm', 'pods', 'work', 'incomplete']))
  expect(told).toMatchObject({ helm: '*** said it', pods: { workloads: [], incomplete: true } })
  expect(JSON.stringify(told).length).toBeLessThan(65 * 1024)
  expect(JSON.stringify(told)).not.toContain('of pods')
})
