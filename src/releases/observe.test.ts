import type { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../core/json.ts'
import { Lru } from '../core/lru.ts'
import { encodeRelease } from '../infra/helm/storage/codec.ts'
import { readSecret } from '../infra/helm/storage/secret.ts'
import { ClusterError } from '../infra/kubernetes/index.ts'
import { silentLog } from '../infra/log.ts'
import { newRelease } from './core/create.ts'
import type { Phase, ReleaseState } from './core/model.ts'
import { place } from './core/testing/simulation.ts'
import { rest, revision, wanted } from './core/testing/states.ts'
import { helmRevision, observeRelease } from './observe.ts'
import type { ReleaseCluster } from './ports.ts'

/** A record of Helm as the API server has it. */
function secret(version: number, status: string, lastDeployed = ''): JsonObject {
  const { name, namespace } = place
  const chart = { metadata: { name: 'web', version: `1.${version}.0` } }
  const info = { status, last_deployed: lastDeployed }
  const release = encodeRelease({ name, namespace, version, info, chart, config: {}, manifest: 'm' })
  const labels = { owner: 'helm', name, version: String(version), status }
  const metadata = {
    ...{ name: `sh.helm.release.v1.${name}.v${version}`, namespace, labels },
    ...{ uid: `u${version}`, resourceVersion: `${version}-${status}` },
  }
  return { metadata, type: 'helm.sh/release.v1', data: { release } }
}

/** Helm's records, and workloads that are ready, as `onReadiness` lets them be. */
function clusterOf(records: JsonObject[], onReadiness: () => void): ReleaseCluster {
  const answer = (path: string): unknown =>
    path.includes('/secrets?')
      ? { items: records.map(({ metadata }) => ({ metadata })), metadata: {} }
      : records.find(({ metadata }) => path.endsWith(`/${(metadata as JsonObject).name}`))
  const request = async ({ path }: Dispatcher.RequestOptions) => ({
    statusCode: 200,
    headers: {},
    body: [Buffer.from(JSON.stringify(answer(path)))],
  })
  const endpoint = { server: new URL('https://cluster'), dispatcher: { request }, headers: async () => ({}) }
  const readiness = async () => {
    onReadiness()
    return { ready: 1, total: 1, settled: true, failed: false, blockers: [], stuckPods: [] }
  }
  return { endpoint, readiness } as unknown as ReleaseCluster
}

function inPhase(phase: Phase, wait: boolean): ReleaseState {
  const state = newRelease(place, 'web', wanted({ wait }), 1)
  return { ...state, operation: state.operation === null ? null : { ...state.operation, phase } }
}

const waiting = () => inPhase({ name: 'waiting' }, true)

const unreadable = () => {
  throw new ClusterError({ status: 403, reason: 'Forbidden', message: 'no' })
}

const deps = {
  ...{
    manifests: async () => ({ newest: null, unfinished: null, history: async function* () {} }),
    keepChart: async () => null,
  },
  ...{ openEvidence: (_: string, evidence: Json) => evidence, damaged: new Lru<true>(10), now: 1 },
  traffic: async () => null,
  frozenVersions: async () => null,
  stillHeld: async () => false,
  heldTemplates: async () => 'unknown' as const,
  manifestOf: async () => null,
  log: silentLog,
}

test('what another hand makes ready while the workloads are read is not taken for ours', async () => {
  const records = [secret(1, 'deployed')]
  const byHand = () => void records.splice(0, 2, secret(1, 'superseded'), secret(2, 'deployed'))
  const seen = await observeRelease(waiting(), { ...deps, cluster: clusterOf(records, byHand) })
  expect(seen).toMatchObject({ kind: 'present', newest: { revision: 2 } })
})

test('workloads that are ready under the record that was read are', async () => {
  const records = [secret(1, 'deployed')]
  const seen = await observeRelease(waiting(), { ...deps, cluster: clusterOf(records, () => undefined) })
  expect(seen).toMatchObject({ kind: 'present', newest: { revision: 1 }, readiness: { settled: true } })
})

test('what another hand has deployed is followed, also where its workloads cannot be read', async () => {
  const look = (onReadiness: () => void) =>
    observeRelease(rest(), { ...deps, cluster: clusterOf([secret(9, 'deployed')], onReadiness) })
  expect(await look(() => undefined)).toMatchObject({
    kind: 'present',
    newest: { revision: 9 },
    readiness: { total: 1 },
  })
  expect(await look(unreadable)).toMatchObject({ kind: 'present', newest: { revision: 9 }, readiness: null })
})

test.each<Phase>([{ name: 'applying', tries: 1 }, { name: 'superseding' }, { name: 'waiting' }])(
  'workloads that are not waited for are counted once helm has applied, and hinder nothing: $name',
  async (phase) => {
    const state = inPhase(phase, false)
    // Mirrored before the revision beneath it is called superseded.
    const known = phase.name === 'applying' ? state : { ...state, revisions: [revision(1, 'PENDING_INSTALL')] }
    const look = (onReadiness: () => void) =>
      observeRelease(known, { ...deps, cluster: clusterOf([secret(1, 'deployed')], onReadiness) })
    expect(await look(() => undefined)).toMatchObject({ kind: 'present', readiness: { total: 1 } })
    expect(await look(unreadable)).toMatchObject({ kind: 'present', readiness: null })
  },
)

test('what another hand has deployed is followed, also where pods of a frozen fleet cannot be listed', async () => {
  const { release, ...state } = rest()
  const frozen = { executionId: 'one', versions: { '1.0.0': 2, '1.1.0': 0 } }
  const look = (more: Partial<typeof deps>) => {
    const cluster = clusterOf([secret(9, 'deployed')], () => undefined)
    return observeRelease({ ...state, release: { ...release, frozen } }, { ...deps, ...more, cluster })
  }
  const followed = { kind: 'present', newest: { revision: 9 } }
  const failing = { frozenVersions: async () => unreadable(), traffic: async () => unreadable() }
  const keeps = { frozenVersions: frozen.versions, traffic: { kind: 'unseen' } }
  expect(await look(failing)).toMatchObject({ ...followed, ...keeps })
  expect(await look({})).toMatchObject({ ...followed, frozenVersions: null, traffic: null })
  const fault = new Error('a fault of ours')
  await expect(look({ frozenVersions: () => Promise.reject(fault) })).rejects.toBe(fault)
})

test('without those that are waited for nothing is concluded', async () => {
  const cluster = clusterOf([secret(1, 'deployed')], unreadable)
  expect(await observeRelease(waiting(), { ...deps, cluster })).toMatchObject({ kind: 'unreadable' })
})

test.each([
  ['2026-01-02T03:04:05.678901234+02:00', Date.UTC(2026, 0, 2, 1, 4, 5, 678)],
  ['-200000-01-01T00:00:00Z', 0],
  ['+200000-01-01T00:00:00Z', 0],
  ['yesterday', 0],
])('a revision deployed at %s', (lastDeployed, deployedAt) => {
  expect(helmRevision(readSecret(secret(1, 'deployed', lastDeployed)), null).deployedAt).toBe(deployedAt)
})
