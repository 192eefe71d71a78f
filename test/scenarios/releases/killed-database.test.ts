import { afterAll, beforeAll, expect, test } from 'vitest'
import { realData } from '../../../src/infra/database/embedded/cluster.ts'
import { choosePlace } from '../../../src/infra/database/embedded/folders.ts'
import { findPostmaster } from '../../../src/infra/database/embedded/postmaster.ts'
import { serverUser } from '../../../src/infra/database/embedded/user.ts'
import { problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const neverReady = { chartName: 'workload', timeout: 600, valuesOverride: { image: { tag: 'never-ready' } } }

test('PostgreSQL is killed while callers wait: each is told of its operation, which goes on', async () => {
  const places = Array.from({ length: 8 }, () => world.place())
  const answers = places.map((place) => place.install(neverReady))
  const waits = await Promise.all(
    places.map((place) =>
      eventually('it waits', async () =>
        (await place.list()).find(({ waitingFor }) => waitingFor?.reason === 'WORKLOADS_NOT_READY'),
      ),
    ),
  )
  const postgres = findPostmaster(realData(choosePlace(world.flotilla.home, serverUser)))
  if (postgres === null) throw new Error('there is no PostgreSQL')
  process.kill(postgres.pid, 'SIGKILL')
  for (const [index, answer] of (await Promise.all(answers)).entries()) {
    const operationId = waits[index]?.currentOperationId
    expect(problem(answer, 503, 'unavailable')).toMatchObject({ operationId })
    expect(answer.headers.get('location')).toBe(`/api/v1/operations/${operationId}`)
  }
  for (const { currentOperationId } of waits) {
    await eventually('it is there again', async () => {
      const { status, body } = await world.api.get<{ readonly status: string }>(`/operations/${currentOperationId}`)
      return status === 200 && body.status === 'RUNNING'
    })
  }
})
