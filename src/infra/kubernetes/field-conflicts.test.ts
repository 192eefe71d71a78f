import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../core/json.ts'
import type { Discovery } from './discovery.ts'
import { ClusterError } from './errors.ts'
import { readConflicts, readOverwritten } from './field-conflicts.ts'
import type { ManifestObject } from './manifest.ts'
import type { ClusterClient, ObjectName, RequestOptions } from './types.ts'

const object = (name: string): ManifestObject => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { color: 'red' } }
  return { apiVersion: 'v1', kind: 'ConfigMap', name, namespace: null, hook: null, annotations: {}, body }
}
const discovery = { find: async () => ({ namespaced: true }) } as unknown as Discovery

const error = (status: number) => new ClusterError({ status, reason: 'said', message: 'the server said so' })
const conflict = new ClusterError({
  ...{ status: 409, reason: 'Conflict', message: 'Apply failed' },
  details: { causes: [{ field: '.data.color', message: 'conflict with "kubectl-edit" using v1' }] },
})

type Dry = (name: string, options: RequestOptions | undefined) => Promise<void>

/** A cluster where every object is there, as helm has applied it, and which answers a dry run so. */
function clusterOf(dryRun: Dry) {
  const managedFields = [{ manager: 'helm', operation: 'Apply' }]
  const client = {
    find: async () => ({ metadata: { managedFields }, data: { color: 'blue' } }),
    patch: (_: unknown, { name }: ObjectName, _patch: unknown, options?: RequestOptions) => dryRun(name, options),
  } as unknown as ClusterClient
  return { client, discovery }
}

const refuse = (answers: Readonly<Record<string, ClusterError>>) =>
  clusterOf(async (name) => {
    const answer = answers[name]
    if (answer !== undefined) throw answer
  })

const taken = { object: 'ConfigMap a', field: '.data.color', manager: 'kubectl-edit', live: 'blue', wanted: 'red' }

/** The conflict about one field of an object whose `body` is wanted, while `live` is there. */
async function about(kind: string, field: string, body: JsonObject, live: JsonObject) {
  const message = 'conflict with "kubectl-edit" using v1'
  const refusal = new ClusterError({
    ...{ status: 409, reason: 'Conflict', message: 'Apply failed' },
    details: { causes: [{ field, message }] },
  })
  const client = {
    find: async () => ({ metadata: { managedFields: [{ manager: 'helm', operation: 'Apply' }] }, ...live }),
    patch: async () => Promise.reject(refusal),
  } as unknown as ClusterClient
  const [found] = await readConflicts({ client, discovery }, [{ ...object('a'), kind, body }], 'ns')
  return [found?.live, found?.wanted]
}

test('lists and maps are told as they are', async () => {
  const spec = (args: Json) => ({ spec: { args, nodeSelector: { disk: 'ssd' } } })
  const [wanted, live] = [spec(['--a']), spec(['--a', '--b'])]
  expect(await about('Thing', '.spec.args', wanted, live)).toEqual([['--a', '--b'], ['--a']])
  expect(await about('Thing', '.spec.nodeSelector', wanted, { spec: {} })).toEqual([null, { disk: 'ssd' }])
})

test('no value of an environment or of a Secret is told, however deep within a list or map', async () => {
  const pod = (value: string) => ({
    containers: [
      {
        name: 'main',
        env: [
          { name: 'A', value },
          { name: 'B', valueFrom: { fieldRef: {} } },
        ],
      },
    ],
    sidecar: { env: { TOKEN: value } },
    plain: { env: value },
    objects: [{ kind: 'Secret', metadata: { name: 's' }, stringData: { password: value }, data: { a: value } }],
  })
  const [wanted, live] = [{ spec: pod('canary-1') }, { spec: pod('canary-2') }]
  const shown = {
    containers: [
      {
        name: 'main',
        env: [
          { name: 'A', value: '***' },
          { name: 'B', valueFrom: { fieldRef: {} } },
        ],
      },
    ],
    sidecar: { env: { TOKEN: '***' } },
    plain: { env: '***' },
    objects: [{ kind: 'Secret', metadata: { name: 's' }, stringData: { password: '***' }, data: { a: '***' } }],
  }
  expect(await about('Thing', '.spec', wanted, live)).toEqual([shown, shown])
  expect(await about('Thing', '.spec.containers[name="main"].env', wanted, live)).toEqual(['***', '***'])
  expect(await about('Thing', '.spec.objects[0].data', wanted, live)).toEqual([{ a: '***' }, { a: '***' }])
  expect(await about('Secret', '.data', { data: { a: 'canary' } }, { data: {} })).toEqual(['***', '***'])
})

test.each([0, 400, 401, 403, 429, 500, 503])(
  'what a dry run that ends in %s leaves open is not "nothing"',
  async (status) => {
    const parts = refuse({ a: conflict, b: error(status) })
    const objects = ['a', 'b', 'c'].map(object)
    expect(await readOverwritten(parts, objects, 'ns')).toEqual({ fields: [taken], unknown: 1 })
    const asked = readConflicts(parts, objects, 'ns')
    // What helm itself meets, it says itself.
    if (status === 400 || status === 403) expect(await asked).toEqual([taken])
    else await expect(asked).rejects.toMatchObject({ status })
  },
)

test('what was not told in time is not known, and several are asked at a time', async () => {
  const ended = new AbortController()
  let atOnce = 0
  const parts = clusterOf(async (name, options) => {
    if (name === 'n0') throw conflict
    atOnce += 1
    if (atOnce === 5) ended.abort(new Error('no answer within 10 s'))
    await new Promise((_, reject) => {
      const give = () => reject(options?.signal?.reason)
      if (options?.signal?.aborted) give()
      options?.signal?.addEventListener('abort', give)
    })
  })
  const objects = Array.from({ length: 20 }, (_, n) => object(`n${n}`))
  const seen = await readOverwritten(parts, objects, 'ns', ended.signal)
  expect(seen).toEqual({ fields: [{ ...taken, object: 'ConfigMap n0' }], unknown: 19 })
})

test('a fault of ours is none of the cluster', async () => {
  const parts = clusterOf(() => Promise.reject(new TypeError('a fault')))
  await expect(readOverwritten(parts, [object('a')], 'ns')).rejects.toThrow(TypeError)
  await expect(readConflicts(parts, [object('a')], 'ns')).rejects.toThrow(TypeError)
})

test('an object that changes while it is asked about is asked about again, and is not known where it never rests', async () => {
  const changed = new ClusterError({ status: 409, reason: 'Conflict', message: 'the object has been modified' })
  const answers = [changed, changed, conflict]
  const resting = clusterOf(async () => {
    throw answers.shift() ?? changed
  })
  expect(await readOverwritten(resting, [object('a')], 'ns')).toEqual({ fields: [taken], unknown: 0 })
  const restless = refuse({ a: changed })
  expect(await readOverwritten(restless, [object('a')], 'ns')).toEqual({ fields: [], unknown: 1 })
})
