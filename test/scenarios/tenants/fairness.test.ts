import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Answer, Api, ok, problem } from '../support/api.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import { Place } from '../support/world.ts'

const chart = { chartName: 'matih-query-engine', valuesOverride: { replicaCount: 1 } }
const most = 100
const everybody = '?limit=200'

test('one tenant queues 100, no more; another one installs before most of them have begun', {
  timeout: 400_000,
}, async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-scenario-'))
  await (await startFlotilla({ home })).stop()

  // Nobody works here: what is accepted waits.
  const idle = await startFlotilla({ home, args: ['serve', '--role', 'api', '--no-sample'] })
  onTestFinished(() => idle.stop())
  const busy = new Place(apiOf(idle))
  const install = (name: string) => installing(idle, busy, name)
  const answers = await Promise.all(Array.from({ length: most + 5 }, (_, n) => install(`app-${n}`)))
  const refused = answers.filter(({ status }) => status !== 202)
  expect(refused).toHaveLength(5)
  refused.forEach(refusedForNow)
  const queued = await busy.list(everybody)
  expect(queued).toHaveLength(most)

  refusedForNow(await install('one-more'))
  ok(await apiOf(idle).post(`/operations/${queued[0]?.currentOperationId}/cancel`, {}), 202)
  ok(await install('one-more'), 202)
  refusedForNow(await install('and-another'))
  const other = new Place(apiOf(idle))
  ok(await installing(idle, other, 'app'), 202)
  await idle.stop()

  const everything = await startFlotilla({ home })
  try {
    const api = apiOf(everything)
    // Two in a row: what was queued last, and what comes while the others run.
    await expect.poll(() => statuses(other.at(api)), { timeout: 200_000, interval: 100 }).toEqual(['DEPLOYED'])
    await other.at(api).installed({ ...chart, releaseName: 'later' })
    const left = (await busy.at(api).list(everybody)).filter(({ revision }) => revision === 0)
    expect(left.length).toBeGreaterThan(most / 2)
  } finally {
    await removeFlotilla(everything)
  }
})

const apiOf = ({ url, adminKey }: Flotilla) => new Api(url, adminKey)

const installing = (flotilla: Flotilla, place: Place, releaseName: string): Promise<Answer<unknown>> =>
  apiOf(flotilla).post('/helm/releases', place.request({ ...chart, releaseName }), { prefer: 'respond-async' })

const statuses = async (place: Place) => (await place.list()).map(({ status }) => status)

function refusedForNow(answer: Answer<unknown>): void {
  problem(answer, 429, 'too_many_requests')
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}
