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

/** Ends the database with SIGKILL, again each time it is revived, until what is waited for is there. */
async function keepKilled<T>(until: Promise<T>): Promise<T> {
  const data = realData(choosePlace(world.flotilla.home, serverUser))
  const killing = setInterval(() => {
    const postgres = findPostmaster(data)
    if (postgres !== null) process.kill(postgres.pid, 'SIGKILL')
  }, 20)
  return until.finally(() => clearInterval(killing))
}

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
  // One kill alone may be mended before a waiting caller has looked, and then nothing is told.
  for (const [index, answer] of (await keepKilled(Promise.all(answers))).entries()) {
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
