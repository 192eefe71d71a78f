import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../support/cluster.ts'
import { type Api, expectStatus } from './api.ts'
import { installOf, later, openWorld, operationOf, tenants, type World } from './world.ts'

type Entry = {
  readonly action: string
  readonly subject: string
  readonly outcome: string
  readonly reason: string | null
  readonly performedBy: string
  readonly tenantId: string | null
  readonly operationId: string | null
}

let world: World
let operator: Api
beforeAll(async () => {
  world = await openWorld()
  operator = await world.caller('tenant-operator', ['a'])
})
afterAll(() => world?.stop())

const audit = async () => expectStatus(await world.admin.get<Entry[]>(`/audit?tenantId=${tenants.a}&sort=at`), 200)

async function begun(path: string, body: object): Promise<string> {
  return expectStatus(await operator.post<{ operationId: string }>(path, body, later), 202).operationId
}

const ended = (operationId: string) =>
  eventually(
    () => operationOf(world.admin, operationId),
    ({ endedAt }) => endedAt !== null,
  )

test('every command on releases stands in the audit log, with who, why and how it ended', async () => {
  const wanted = { ...installOf('a', 'one', '1.2.0'), valuesOverride: { stuckAt: '1.9.0' }, reason: 'new customer' }
  const { id } = expectStatus(await operator.post<{ id: string }>('/helm/releases', wanted), 201)
  const release = `/helm/releases/${id}`
  expect((await operator.post(`${release}/upgrade`, { chartVersion: '1.9.0', timeout: 5, reason: 'CVE' })).status).toBe(
    422,
  )
  expectStatus(await operator.post(`${release}/rollback`, { targetRevision: 1 }), 200)
  expect((await operator.post(`${release}/rollback`, { targetRevision: 9 })).status).toBe(404)
  expect((await operator.post(`${release}/upgrade?dryRun=true`, { chartVersion: '1.9.0' })).status).toBe(200)
  const stuck = await begun(`${release}/upgrade`, { chartVersion: '1.9.0', timeout: 600 })
  expect((await audit()).at(-1)).toMatchObject({ action: 'release.upgrade', outcome: 'accepted', operationId: stuck })
  // One that is still queued would end CANCELLED.
  await eventually(
    () => operationOf(world.admin, stuck),
    ({ status }) => status === 'RUNNING',
  )
  expectStatus(await operator.post(`/operations/${stuck}/cancel`, { reason: 'too slow' }), 202)
  await ended(stuck)
  const batch = await begun('/helm/releases/chart/small/batch-upgrade?targetVersion=1.10.0', { reason: 'monthly' })
  await ended(batch)
  expectStatus(await operator.send('DELETE', `${release}?reason=moved`), 200)

  const told = (await audit()).filter(({ action }) => /^(release|operation)\./.test(action))
  expect(told.map(({ action, subject, outcome, reason }) => [action, subject, outcome, reason])).toEqual([
    ['release.install', `release/${id}`, 'succeeded', 'new customer'],
    ['release.upgrade', `release/${id}`, 'failed', 'CVE'],
    ['release.rollback', `release/${id}`, 'succeeded', null],
    ['release.upgrade', `release/${id}`, 'failed', null],
    ['operation.cancel', `operation/${stuck}`, 'done', 'too slow'],
    ['release.batch-upgrade', `batch/${batch}`, 'succeeded', 'monthly'],
    ['release.uninstall', `release/${id}`, 'succeeded', 'moved'],
  ])
  for (const { performedBy, tenantId } of told) {
    expect([performedBy, tenantId]).toEqual(['tenant-operator of a', tenants.a])
  }
})
