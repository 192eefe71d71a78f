import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Api, Problem, Release } from './api.ts'
import { expectStatus } from './api.ts'
import { openWorld, type Tenant, tenants, type World } from './world.ts'

let world: World
let operatorOfB: Api

/** Given: a fleet of the chart `small` in five versions, one release that failed to move on, and some that do not count. */
beforeAll(async () => {
  world = await openWorld()
  const fleet: readonly [Tenant, string, string][] = [
    ['a', 'a-old', '1.2.0'],
    ['a', 'a-nine', '1.9.0'],
    ['a', 'a-failed', '1.2.0'],
    ['b', 'b-ten', '1.10.0'],
    ['b', 'b-candidate', '2.0.0-rc.1'],
    ['c', 'c-new', '2.0.0'],
    ['c', 'c-gone', '1.2.0'],
  ]
  const made = await Promise.all(fleet.map(([of, name, version]) => world.install(of, name, version)))
  const [, , failed, , , , gone] = made
  const other = { chartName: 'other', chartVersion: '1.0.0' }
  const stuck = { valuesOverride: { stuckAt: '1.9.0' }, timeout: 5 }
  const [, moved, never, removed] = await Promise.all([
    world.install('a', 'a-other', '1.0.0', other),
    world.admin.post(`/helm/releases/${failed?.id}/upgrade`, { chartVersion: '1.9.0', ...stuck }),
    world.admin.post('/helm/releases', {
      tenantId: tenants.c,
      releaseName: 'c-never',
      namespace: 'tenant-c',
      chartName: 'small',
      chartVersion: '1.9.0',
      ...stuck,
    }),
    world.admin.send('DELETE', `/helm/releases/${gone?.id}`),
  ])
  expect([moved.status, never.status, removed.status]).toEqual([422, 422, 200])
  operatorOfB = await world.caller('tenant-operator', ['b'])
})
afterAll(() => world?.stop())

const namesOf = (releases: readonly Release[]) => releases.map(({ releaseName }) => releaseName).sort()
const listed = async (query: string, api: Api = world.admin) =>
  expectStatus(await api.get<Release[]>(`/helm/releases${query}`), 200)

describe('counting the fleet', () => {
  test('the summary has every status, zeros too; what never ran or is gone is in byStatus only', async () => {
    const { body } = await world.admin.get<Record<string, unknown>>('/helm/releases/summary')
    expect(body).toMatchObject({
      byStatus: {
        DEPLOYED: 6,
        FAILED: 2,
        UNINSTALLED: 1,
        PENDING_INSTALL: 0,
        PENDING_UPGRADE: 0,
        PENDING_ROLLBACK: 0,
      },
      byChart: { small: 6, other: 1 },
    })
  })

  test('versions count a failed release by the version that it runs, and leave out what never ran', async () => {
    const { body } = await world.admin.get('/helm/releases/chart/small/versions')
    expect(body).toEqual({ '1.2.0': 2, '1.9.0': 1, '1.10.0': 1, '2.0.0-rc.1': 1, '2.0.0': 1 })
  })

  test('an unknown chart has no versions and nothing to upgrade', async () => {
    expect((await world.admin.get('/helm/releases/chart/unheard-of/versions')).body).toEqual({})
    const { body } = await world.admin.get('/helm/releases/chart/unheard-of/needs-upgrade?targetVersion=9.0.0')
    expect(body).toEqual([])
  })

  test('others than admins count their own tenants', async () => {
    const summary = await operatorOfB.get<{ total: number; byChart: object }>('/helm/releases/summary')
    expect(summary.body).toMatchObject({ total: 2, byChart: { small: 2 } })
    const versions = await operatorOfB.get('/helm/releases/chart/small/versions')
    expect(versions.body).toEqual({ '1.10.0': 1, '2.0.0-rc.1': 1 })
  })
})

describe('who needs an upgrade', () => {
  test.each([
    ['1.2.0', []],
    ['1.9.0', ['a-failed', 'a-old']],
    ['1.10.0', ['a-failed', 'a-nine', 'a-old']],
    ['2.0.0-rc.1', ['a-failed', 'a-nine', 'a-old', 'b-ten']],
    ['2.0.0', ['a-failed', 'a-nine', 'a-old', 'b-candidate', 'b-ten']],
    ['9.0.0', ['a-failed', 'a-nine', 'a-old', 'b-candidate', 'b-ten', 'c-new']],
  ])('to reach %s', async (target, expected) => {
    const path = `/helm/releases/chart/small/needs-upgrade?targetVersion=${target}`
    expect(namesOf((await world.admin.get<Release[]>(path)).body)).toEqual(expected)
    const mine = namesOf((await operatorOfB.get<Release[]>(path)).body)
    expect(mine).toEqual(expected.filter((name) => name.startsWith('b-')))
  })

  test('a failed release shows what runs and what was tried', async () => {
    const [failed] = await listed(`?status=FAILED&tenantId=${tenants.a}`)
    expect(failed).toMatchObject({
      releaseName: 'a-failed',
      chartVersion: '1.2.0',
      attemptedChartVersion: '1.9.0',
    })
  })
})

describe('lists', () => {
  test.each([
    ['', ['a-failed', 'a-nine', 'a-old', 'a-other', 'b-candidate', 'b-ten', 'c-never', 'c-new']],
    ['?status=UNINSTALLED', ['c-gone']],
    ['?status=FAILED', ['a-failed', 'c-never']],
    ['?chart=other', ['a-other']],
    ['?chart=small&chartVersion=1.2.0', ['a-failed', 'a-old']],
    ['?chart=small&status=DEPLOYED&namespace=tenant-a', ['a-nine', 'a-old']],
    [`?tenantId=${tenants.b}`, ['b-candidate', 'b-ten']],
    ['?namespace=nowhere', []],
    ['?q=FAIL', ['a-failed']],
    ['?q=tenant-b', ['b-candidate', 'b-ten']],
    ['?q=%25', []],
    ['?attention=true', ['a-failed', 'c-never']],
    ['?attention=true&q=never', ['c-never']],
    ['?attention=false&chart=other', ['a-other']],
  ])('of releases%s', async (query, expected) => {
    const answer = await world.admin.get<Release[]>(`/helm/releases${query}`)
    expect(namesOf(expectStatus(answer, 200))).toEqual(expected)
    expect(answer.headers.get('x-total-count')).toBe(String(expected.length))
    for (const release of answer.body) expect(release).not.toHaveProperty('valuesOverride')
  })

  test('of one tenant leave out what is uninstalled', async () => {
    const { body } = await world.admin.get<Release[]>(`/helm/releases/tenant/${tenants.c}`)
    expect(namesOf(body)).toEqual(['c-never', 'c-new'])
    const gone = await world.admin.get<Release[]>(`/helm/releases/tenant/${tenants.c}?status=UNINSTALLED`)
    expect(namesOf(gone.body)).toEqual(['c-gone'])
  })

  test('pages follow their Link and make up the whole list, newest first', async () => {
    const whole = (await listed('')).map(({ id }) => id)
    const found: string[] = []
    let pages = 0
    for (let path: string | undefined = '/helm/releases?limit=3'; path !== undefined; pages++) {
      const answer: Answer<Release[]> = await world.admin.get<Release[]>(path)
      expect(answer.headers.get('x-total-count')).toBe('8')
      found.push(...expectStatus(answer, 200).map(({ id }) => id))
      path = answer.headers.get('link')?.match(/^<([^>]+)>; rel="next"$/)?.[1]
    }
    expect(found).toEqual(whole)
    expect(pages).toBe(3)
  })

  test.each([
    ['releaseName', (names: string[]) => names.sort()],
    ['-releaseName', (names: string[]) => names.sort().reverse()],
  ])('are sorted by %s, page by page', async (sort, sorted) => {
    const names = (releases: readonly Release[]) => releases.map(({ releaseName }) => releaseName)
    const expected = sorted(names(await listed('')))
    expect(names(await listed(`?sort=${sort}`))).toEqual(expected)
    const first = await world.admin.get<Release[]>(`/helm/releases?sort=${sort}&limit=5`)
    const next = first.headers.get('link')?.match(/^<([^>]+)>/)?.[1] ?? ''
    const second = expectStatus(await world.admin.get<Release[]>(next), 200)
    expect([...names(first.body), ...names(second)]).toEqual(expected)
  })

  test('are oldest first by createdAt', async () => {
    const ids = async (query: string) => (await listed(query)).map(({ id }) => id)
    expect(await ids('?sort=createdAt')).toEqual([...(await ids('?sort=-createdAt'))].reverse())
  })

  test('a cursor belongs to its filter, cannot be altered, and brings no rights with it', async () => {
    const first = await world.admin.get('/helm/releases?limit=2&chart=small')
    const next = first.headers.get('link')?.match(/^<([^>]+)>/)?.[1] ?? ''
    const altered = next.replace(/cursor=(.)/, (_, c: string) => `cursor=${c === 'A' ? 'B' : 'A'}`)
    for (const path of [altered, next.replace('chart=small', 'chart=other'), '/helm/releases?cursor=abc']) {
      const { code, errors } = expectStatus(await world.admin.get<Problem>(path), 400)
      expect([code, errors?.[0]?.pointer]).toEqual(['invalid_cursor', 'query/cursor'])
    }
    const foreign = expectStatus(await operatorOfB.get<Release[]>(next), 200)
    expect(foreign.every(({ tenantId }) => tenantId === tenants.b)).toBe(true)
  })
})
