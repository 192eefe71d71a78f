import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/cluster.ts'
import { expectToldAsPublished } from '../support/told.ts'
import { type Batch, expectStatus, type Operation, type Problem, type Release } from './api.ts'
import { installOf, later, openWorld, operationOf, type Tenant, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.stop())

const batchTo = (target: string, more = '') => `/helm/releases/chart/small/batch-upgrade?targetVersion=${target}${more}`
const readRelease = async (id: string) => expectStatus(await world.admin.get<Release>(`/helm/releases/${id}`), 200)
const childrenOf = async (batchId: string) => {
  const all = expectStatus(await world.admin.get<Operation[]>('/operations'), 200)
  return all.filter(({ parentId }) => parentId === batchId).reverse()
}
const everything = async () => ({
  releases: (await world.admin.get('/helm/releases')).body,
  gone: (await world.admin.get('/helm/releases?status=UNINSTALLED')).body,
  operations: (await world.admin.get('/operations')).body,
})

/** Given a fleet: what there was before is uninstalled. */
async function fleetOf(...wanted: readonly [of: Tenant, name: string, version: string, values?: object][]) {
  const before = expectStatus(await world.admin.get<Release[]>('/helm/releases'), 200)
  await Promise.all(before.map(({ id }) => world.admin.send('DELETE', `/helm/releases/${id}`)))
  const made: Release[] = []
  // One after another: a batch takes them in the order in which they were installed.
  for (const [of, name, version, valuesOverride] of wanted) {
    made.push(await world.install(of, name, version, valuesOverride === undefined ? {} : { valuesOverride }))
  }
  return made
}

type Preview = { releases: { release: Release; diff: { manifest: string } | null; skipped: string | null }[] }

describe('a batch upgrade', () => {
  test('moves what is older, one after another, and keeps the values of every tenant', async () => {
    await fleetOf(
      ['a', 'one', '1.2.0', { color: 'red' }],
      ['b', 'two', '1.9.0', { color: 'blue' }],
      ['c', 'three', '1.10.0'],
      ['c', 'ahead', '2.0.0'],
    )
    const operation = expectStatus(await world.admin.post<{ operationId: string }>(batchTo('1.10.0'), {}, later), 202)
    const done = await ended(operation.operationId)
    expect(done).toMatchObject({ kind: 'batch-upgrade', status: 'SUCCEEDED', releaseId: null })
    const result = done.result as Batch
    expect(result.upgraded.map((r) => [r.releaseName, r.chartVersion, r.revision, r.status])).toEqual([
      ['one', '1.10.0', 2, 'DEPLOYED'],
      ['two', '1.10.0', 2, 'DEPLOYED'],
    ])
    expect([result.failed, result.skipped]).toEqual([[], []])
    const [one, two] = result.upgraded
    expect((await readRelease(one?.id ?? '')).valuesOverride).toEqual({ color: 'red' })
    expect((await readRelease(two?.id ?? '')).valuesOverride).toEqual({ color: 'blue' })
    const [first, second, ...none] = await childrenOf(operation.operationId)
    expect(none).toEqual([])
    expect(Date.parse(second?.createdAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.endedAt ?? ''))
  })

  test('is not kept back by those that fail, and answers 200 also when all do', async () => {
    const [stuck, broken] = await fleetOf(
      ['a', 'stuck', '1.2.0', { stuckAt: '1.9.0' }],
      ['a', 'broken', '1.2.0', { brokenAt: '1.9.0' }],
      ['b', 'fine', '1.2.0'],
    )
    const answer = await world.admin.post<Batch>(batchTo('1.9.0'), { timeout: 5 })
    const { upgraded, failed, skipped } = expectStatus(answer, 200)
    expect(upgraded.map((r) => r.releaseName)).toEqual(['fine'])
    expect(skipped).toEqual([])
    expect(failed.map((f) => [f.release.id, f.release.status, f.release.chartVersion])).toEqual([
      [stuck?.id, 'FAILED', '1.2.0'],
      // helm did not render it: nothing of it was changed (docs/adr/0044).
      [broken?.id, 'DEPLOYED', '1.2.0'],
    ])
    expect(failed[0]?.code).toBe('not_ready')
    expect((await operationOf(world.admin, failed[0]?.operationId ?? '')).error?.code).toBe('not_ready')

    const again = expectStatus(await world.admin.post<Batch>(batchTo('1.9.0'), { timeout: 5 }), 200)
    expect(again.upgraded).toEqual([])
    expect(again.failed.map((f) => f.release.releaseName)).toEqual(['stuck', 'broken'])
  })

  test('skips a release that is busy, and says with what', async () => {
    const [busy, free] = await fleetOf(['a', 'busy', '1.2.0', { stuckAt: '1.9.0' }], ['a', 'free', '1.2.0'])
    const upgrade = await world.admin.post<{ operationId: string }>(
      `/helm/releases/${busy?.id}/upgrade`,
      { chartVersion: '1.9.0', timeout: 600 },
      later,
    )
    const { operationId } = expectStatus(upgrade, 202)
    const preview = expectStatus(await world.admin.post<Preview>(batchTo('1.10.0', '&dryRun=true'), {}), 200)
    expect(preview.releases.map(({ diff, skipped }) => [diff !== null, skipped])).toEqual([
      [false, expect.stringContaining(operationId)],
      [true, null],
    ])
    const { upgraded, skipped } = expectStatus(await world.admin.post<Batch>(batchTo('1.10.0'), {}), 200)
    expect(upgraded.map((r) => r.id)).toEqual([free?.id])
    expect(skipped.map((s) => s.release.id)).toEqual([busy?.id])
    expect(skipped[0]?.reason).toContain(operationId)
    await world.admin.post(`/operations/${operationId}/cancel`)
    expect((await ended(operationId)).error?.code).toBe('cancelled')
  })

  test('runs as many at once as it is told', async () => {
    await fleetOf(
      ['a', 'first', '1.2.0', { stuckAt: '1.9.0' }],
      ['b', 'second', '1.2.0', { stuckAt: '1.9.0' }],
      ['c', 'third', '1.2.0'],
    )
    const path = batchTo('1.9.0', '&concurrency=2')
    const { operationId } = expectStatus(
      await world.admin.post<{ operationId: string }>(path, { timeout: 600 }, later),
      202,
    )
    const running = await eventually(
      () => childrenOf(operationId),
      (all) => all.filter(({ status }) => status === 'RUNNING').length === 2,
    )
    expect(running).toHaveLength(2)
    await world.admin.post(`/operations/${running[0]?.id}/cancel`)
    await eventually(
      () => childrenOf(operationId),
      (all) => all[2]?.status === 'SUCCEEDED',
    )
    await world.admin.post(`/operations/${running[1]?.id}/cancel`)
    const { upgraded, failed } = (await ended(operationId)).result as Batch
    expect([upgraded.map((r) => r.releaseName), failed.map((f) => f.code)]).toEqual([
      ['third'],
      ['cancelled', 'cancelled'],
    ])
  })

  test('that is cancelled starts no further release', async () => {
    const [running, ...waiting] = await fleetOf(
      ['a', 'running', '1.2.0', { stuckAt: '1.9.0' }],
      ['b', 'not-yet', '1.2.0'],
      ['c', 'nor-this', '1.2.0'],
    )
    const answer = await world.admin.post<{ operationId: string }>(batchTo('1.9.0'), { timeout: 600 }, later)
    const { operationId } = expectStatus(answer, 202)
    const [child] = await eventually(
      () => childrenOf(operationId),
      (all) => all[0]?.status === 'RUNNING',
    )
    expectStatus(await world.admin.post(`/operations/${operationId}/cancel`), 202)
    expect(expectStatus(await world.admin.get(`/operations/${operationId}`), 200)).toMatchObject({
      status: 'RUNNING',
      waitingFor: { reason: 'CANCELLING', detail: 'no further release is begun; 1 of 3 is under way' },
    })
    expectStatus(await world.admin.post(`/operations/${child?.id}/cancel`), 202)
    const done = await ended(operationId)
    expect(done.status).toBe('CANCELLED')
    const { upgraded, failed, skipped } = done.result as Batch
    expect(upgraded).toEqual([])
    expect(failed.map((f) => f.release.id)).toEqual([running?.id])
    expect(skipped.map((s) => s.release.id)).toEqual(waiting.map(({ id }) => id))
    for (const { id } of waiting) expect(await readRelease(id)).toMatchObject({ revision: 1, chartVersion: '1.2.0' })
    expect(await childrenOf(operationId)).toHaveLength(1)
    expectStatus(await world.admin.post<Problem>(`/operations/${operationId}/cancel`), 409)
  })

  test('of an operator touches its own tenants only', async () => {
    const [foreign] = await fleetOf(['a', 'foreign', '1.2.0'], ['b', 'own', '1.2.0'])
    const operator = await world.caller('tenant-operator', ['b'])
    const { upgraded, skipped } = expectStatus(await operator.post<Batch>(batchTo('1.9.0'), {}), 200)
    expect([upgraded.map((r) => r.releaseName), skipped]).toEqual([['own'], []])
    expect(await readRelease(foreign?.id ?? '')).toMatchObject({ revision: 1 })
    const viewer = await world.caller('viewer', ['b'])
    expectStatus(await viewer.post(batchTo('1.9.0'), {}), 403)
    expectStatus(await viewer.post(batchTo('1.9.0', '&dryRun=true'), {}), 200)
  })

  test('with dryRun shows what each release would become, and changes nothing', async () => {
    await fleetOf(['a', 'plain', '1.2.0'], ['b', 'broken', '1.2.0', { brokenAt: '1.9.0' }])
    const before = await everything()
    const path = batchTo('1.9.0', '&dryRun=true')
    const { releases } = expectStatus(await world.admin.post<Preview>(path, {}), 200)
    expect(releases.map(({ release }) => release.releaseName)).toEqual(['plain', 'broken'])
    expect(releases[0]?.diff?.manifest).toContain('1.9.0')
    expect(releases[1]).toMatchObject({ diff: null, skipped: expect.stringContaining('chart_render_failed') })
    expect(await everything()).toEqual(before)
  })

  test('to an unknown version or of an unknown chart is 404 before anything starts', async () => {
    await fleetOf(['a', 'there', '1.2.0'])
    const before = await everything()
    const unknown = expectStatus(await world.admin.post<Problem>(batchTo('1.99.0'), {}), 404)
    expect(unknown.code).toBe('chart_version_not_found')
    const nowhere = '/helm/releases/chart/unheard-of/batch-upgrade?targetVersion=1.0.0'
    expect(expectStatus(await world.admin.post<Problem>(nowhere, {}), 404).code).toBe('chart_not_found')
    expect(await everything()).toEqual(before)
  })

  test('with nothing to do answers so, and takes no body at all', async () => {
    await fleetOf(['a', 'newest', '2.0.0'])
    const answer = expectStatus(await world.admin.post<Batch>(batchTo('2.0.0')), 200)
    expect(answer).toEqual({ targetVersion: '2.0.0', upgraded: [], failed: [], skipped: [] })
  })

  test('goes on where it was when the server was killed', async () => {
    await fleetOf(['a', 'first', '1.2.0'], ['b', 'second', '1.2.0'], ['c', 'third', '1.2.0'])
    const { operationId } = expectStatus(
      await world.admin.post<{ operationId: string }>(batchTo('1.9.0'), {}, later),
      202,
    )
    await eventually(
      () => childrenOf(operationId),
      (all) => all.length > 0,
    )
    await world.crash()
    const { status, result } = await ended(operationId)
    expect([status, (result as Batch).upgraded.map((r) => [r.releaseName, r.chartVersion, r.status])]).toEqual([
      'SUCCEEDED',
      [
        ['first', '1.9.0', 'DEPLOYED'],
        ['second', '1.9.0', 'DEPLOYED'],
        ['third', '1.9.0', 'DEPLOYED'],
      ],
    ])
    expect(await childrenOf(operationId)).toHaveLength(3)
  })

  test('leaves alone what is moved past the target before its turn', async () => {
    const [, moved] = await fleetOf(['a', 'slow', '1.2.0', { stuckAt: '1.9.0' }], ['b', 'moved', '1.2.0'])
    const answer = await world.admin.post<{ operationId: string }>(batchTo('1.9.0'), { timeout: 600 }, later)
    const { operationId } = expectStatus(answer, 202)
    const [child] = await eventually(
      () => childrenOf(operationId),
      (all) => all[0]?.status === 'RUNNING',
    )
    expectStatus(await world.admin.post(`/helm/releases/${moved?.id}/upgrade`, { chartVersion: '2.0.0' }), 200)
    await world.admin.post(`/operations/${child?.id}/cancel`)
    const { skipped } = (await ended(operationId)).result as Batch
    expect(skipped.map((s) => s.release.id)).toEqual([moved?.id])
    expect(await readRelease(moved?.id ?? '')).toMatchObject({ chartVersion: '2.0.0', revision: 2 })
  })
})

function ended(operationId: string): Promise<Operation> {
  return eventually(
    () => operationOf(world.admin, operationId),
    ({ endedAt }) => endedAt !== null,
  )
}

test('a name is free again after its release is uninstalled, under a new id', async () => {
  const [first] = await fleetOf(['a', 'again', '1.2.0'])
  const taken = expectStatus(await world.admin.post<Problem>('/helm/releases', installOf('a', 'again', '1.2.0')), 409)
  expect(taken.code).toBe('name_taken')
  const [second] = await fleetOf(['a', 'again', '1.9.0'])
  expect(second?.id).not.toBe(first?.id)
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.admin))
