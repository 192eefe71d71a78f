import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, Api, ok, problem } from '../scenarios/support/api.ts'
import { writeCharts } from '../scenarios/support/charts.ts'
import { ClusterView, heldHook } from '../scenarios/support/cluster-view.ts'
import { eventually } from '../scenarios/support/eventually.ts'
import { type Flotilla, startFlotilla } from '../scenarios/support/flotilla.ts'
import type { Release, ReleaseHandle } from '../scenarios/support/releases.ts'
import { Place } from '../scenarios/support/world.ts'
import { practiceCluster, type TestCluster } from '../support/cluster.ts'
import { openDisk, type SmallDisk } from './small-disk.ts'

/** One for the database, one for what helm needs. The cluster has neither. */
let disks: { readonly database: SmallDisk; readonly work: SmallDisk }
let home: string
let charts: string
let cluster: TestCluster
let flotilla: Flotilla
let api: Api
let view: ClusterView
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-disk-'))
  for (const folder of ['postgres', 'work']) await mkdir(join(home, folder), { mode: 0o755 })
  disks = { database: openDisk(join(home, 'postgres'), 300), work: openDisk(join(home, 'work'), 50) }
  cluster = await practiceCluster()
  charts = await writeCharts()
  flotilla = await startFlotilla({ home, env: { KUBECONFIG: cluster.kubeconfig, CHART_FOLDERS: charts } })
  api = new Api(flotilla.url, flotilla.adminKey)
  view = new ClusterView(cluster.kubeconfig)
  ok(await api.post('/chart-sources', { name: 'test-charts', type: 'folder', url: charts, priority: 200 }), 201)
})
afterAll(async () => {
  await view?.close()
  await flotilla?.stop()
  await cluster?.stop()
  for (const disk of Object.values(disks ?? {})) disk.close()
  for (const folder of [home, charts]) await rm(folder, { recursive: true, force: true })
})

type Ended = { readonly endedAt: string | null }

/** Half a megabyte that does not get smaller: some of these and the database needs more files. */
const large = (): string => Array.from({ length: 40_000 }, () => Math.random().toString(36)).join('')

test.each([
  ['no table can grow', 0],
  // PostgreSQL ends itself then, and is started again until it can write.
  ['no file of its log can be made', 12 << 20],
])(
  'the disk of the database is full, %s: what was accepted goes on, what is refused is said so',
  async (_name, leave) => {
    const place = new Place(api)
    const hooked = await place.installed({ releaseName: 'hooked', chartName: 'hooked' })
    const plain = await place.installed()
    const running = await hooked.begin('POST', '/upgrade', { valuesOverride: { hook: heldHook } })
    await eventually('the hook runs', async () => (await view.pods(place.namespace)).length > 0)

    disks.database.fill(leave)
    const answers: Answer<unknown>[] = []
    while (answers.length < 40) answers.push(await plain.upgrade({ valuesOverride: { word: large() } }))
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    const goOn = refused.flatMap((answer) => problem(answer, 503, 'unavailable').operationId ?? [])
    await view.endHook(place.namespace)
    disks.database.free()

    // Who was away from its database for longer than a lease has not carried it out to its end.
    const { status, error } = await eventually('it is back', () => running.ended())
    expect([status, error?.code]).toEqual(status === 'SUCCEEDED' ? ['SUCCEEDED', undefined] : ['FAILED', 'interrupted'])
    const newest = await view.newest(place.namespace, 'hooked')
    expect(newest).toMatchObject({ version: 2, info: { status: status === 'SUCCEEDED' ? 'deployed' : 'failed' } })
    // Who was accepted before the database went is told of an operation that goes on.
    for (const id of goOn)
      await eventually('it has ended', async () => ok(await api.get<Ended>(`/operations/${id}`)).endedAt)
    const [accepted, verdicts] = [answers.length - refused.length, await plain.verdicts()]
    expect(verdicts.filter((verdict) => verdict.includes('PENDING'))).toEqual([])
    expect(verdicts.length).toBeGreaterThanOrEqual(1 + accepted)
    expect(verdicts.length).toBeLessThanOrEqual(1 + accepted + goOn.length)
    ok(await eventually('it goes on', () => upgraded(plain)))
  },
)

/** An upgrade that must succeed, or be refused because the database is not back yet. */
async function upgraded(release: ReleaseHandle): Promise<Answer<Release> | null> {
  const answer = await release.upgrade({ valuesOverride: { word: 'c' } })
  return answer.status === 503 ? null : answer
}

test('the disk that helm needs is full: a request and an operation say so, and the next one succeeds', async () => {
  const release = await new Place(api).installed()
  disks.work.fill()
  problem(await release.upgrade({ valuesOverride: { word: 'b' } }), 503, 'unavailable')
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  const uninstall = await release.begin('DELETE', '')
  expect(await uninstall.ended()).toMatchObject({
    status: 'FAILED',
    error: { code: 'helm_failed', detail: 'the disk of the server has no room for what helm needs' },
  })
  disks.work.free()
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
})
