import type { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import { encodeRelease } from '../../infra/helm/storage/codec.ts'
import { place } from '../core/testing/simulation.ts'
import { rest } from '../core/testing/states.ts'
import type { ReleaseDeps } from '../deps.ts'
import type { CommandCall } from './context.ts'
import { prepareUpgrade } from './upgrade.ts'

/** Helm's record of a chart that no source has. */
function record(chart: JsonObject): JsonObject {
  const { name, namespace } = place
  const labels = { owner: 'helm', name, version: '3', status: 'deployed' }
  const metadata = { name: `sh.helm.release.v1.${name}.v3`, namespace, labels, uid: 'u3', resourceVersion: '1' }
  const release = encodeRelease({ name, namespace, version: 3, info: { status: 'deployed' }, chart })
  return { metadata, type: 'helm.sh/release.v1', data: { release } }
}

const call = { principal: { tenants: 'all' } } as CommandCall

/** A release whose chart no source has, on a cluster that gives these answers. */
function adopted(answer: () => Promise<{ statusCode: number; body: JsonObject }>): ReleaseDeps {
  const request = async (_: Dispatcher.RequestOptions) => {
    const { statusCode, body } = await answer()
    return { statusCode, headers: {}, body: [Buffer.from(JSON.stringify(body))] }
  }
  const endpoint = { server: new URL('https://cluster'), dispatcher: { request }, headers: async () => ({}) }
  const resolve = async () => Promise.reject(new Problem('chart_not_found', 'no source has it'))
  const ports = { clusters: { of: () => ({ endpoint }) }, charts: { resolve } }
  return { states: { load: async () => rest() }, ports } as unknown as ReleaseDeps
}

const prepare = (deps: ReleaseDeps) => prepareUpgrade(deps, call, 'release', { valuesOverride: { a: 1 } })
const chart = { name: 'web', version: '1.0.0' }

test.each<[string, JsonObject]>([
  ['whose chart has subcharts', record({ metadata: { ...chart, dependencies: [{ name: 'db', version: '1' }] } })],
  ['that cannot be read', { ...record({ metadata: chart }), type: 'Opaque' }],
  ['of another chart version', record({ metadata: { ...chart, version: '2.0.0' } })],
])('a record %s has no chart: no source has it either', async (_what, body) => {
  const deps = adopted(async () => ({ statusCode: 200, body }))
  await expect(prepare(deps)).rejects.toMatchObject({ name: 'Problem', code: 'chart_not_found' })
})

const subcharts = [{ name: 'db', version: '1' }]
test.each<[string, JsonObject]>([
  ['are enabled', { metadata: { ...chart, dependencies: subcharts } }],
  ['are disabled', { metadata: chart, lock: { dependencies: subcharts } }],
])(
  'where the subcharts of an adopted chart %s, the answer says what is missing and what helps',
  async (_what, recorded) => {
    const deps = adopted(async () => ({ statusCode: 200, body: record(recorded) }))
    await expect(prepare(deps)).rejects.toMatchObject({
      code: 'chart_not_found',
      message: expect.stringMatching(/no chart source has web 1\.0\.0, .*subcharts.*chartVersion.*publish/),
    })
  },
)

test.each<[string, () => Promise<{ statusCode: number; body: JsonObject }>]>([
  ['is silent', () => Promise.reject(new Error('ECONNREFUSED 10.0.0.1'))],
  ['refuses', async () => ({ statusCode: 403, body: { message: 'CANARY' } })],
])('a cluster that %s is said to be unavailable', async (_what, answer) => {
  await expect(prepare(adopted(answer))).rejects.toMatchObject({ name: 'Problem', code: 'cluster_unavailable' })
  await expect(prepare(adopted(answer))).rejects.not.toThrow(/CANARY|10\.0\.0\.1/)
})
