import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Api, ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import type { Operation } from '../support/releases.ts'
import { Place } from '../support/world.ts'

const key = () => randomBytes(32).toString('base64')
const [old, fresh] = [key(), key()]
const values = { replicaCount: 1, image: { tag: 'rotated-tag' } }
const chart = { chartName: 'matih-query-engine', valuesOverride: values }

const apiOf = ({ url, adminKey }: Flotilla) => new Api(url, adminKey)
const isDone = ({ log }: Flotilla) => log.some((line) => line.includes('FLOTILLA_OTHER_SECRET_KEY is no longer needed'))

test('the secret key is changed over restarts, and all that was sealed is there with the new one alone', async () => {
  let flotilla = await startFlotilla({ env: { FLOTILLA_SECRET_KEY: old } })
  const { home } = flotilla
  const restart = async (env: Record<string, string>) => {
    await flotilla.stop()
    flotilla = await startFlotilla({ home, env })
  }
  try {
    const place = new Place(apiOf(flotilla))
    const { id } = await place.installed(chart)
    const release = await place.handleOf(id)
    const failed = problem(await release.upgrade({ chartVersion: '1.4.0', timeout: 8 }), 422, 'not_ready')
    const source = { name: 'private', type: 'http', url: 'https://charts.example', credentials: { token: 'a-token' } }
    ok(await apiOf(flotilla).post('/chart-sources', source), 201)
    const keyed = { 'idempotency-key': 'once' }
    const description = { ...chart, releaseName: 'second', description: 'by key' }
    const first = await apiOf(flotilla).post('/helm/releases', place.request(description), keyed)
    ok(first, 201)

    const readAll = async () => {
      const there = place.at(apiOf(flotilla))
      const handle = await there.handleOf(id)
      expect((await handle.read()).valuesOverride).toEqual(values)
      const revision = ok(await handle.revision(1))
      expect(revision.manifest).toContain('rotated-tag')
      expect(revision.values).toMatchObject(values)
      const path = `/operations/${failed.operationId}`
      const { error } = ok(await apiOf(flotilla).get<Operation>(path))
      expect(JSON.stringify(error?.evidence)).toContain('never-ready')
      const again = await apiOf(flotilla).post('/helm/releases', place.request(description), keyed)
      expect([again.status, again.body]).toEqual([first.status, first.body])
      expect(ok(await apiOf(flotilla).get<readonly object[]>('/chart-sources'))).toContainEqual(
        expect.objectContaining({ name: 'private', hasCredentials: true }),
      )
    }
    await readAll()

    await restart({ FLOTILLA_SECRET_KEY: fresh, FLOTILLA_OTHER_SECRET_KEY: old })
    await readAll()
    await eventually('everything is sealed anew', async () => isDone(flotilla), { withinMs: 60_000 })
    await readAll()

    await restart({ FLOTILLA_SECRET_KEY: fresh })
    await readAll()
    const handle = await place.at(apiOf(flotilla)).handleOf(id)
    expect(ok(await handle.rollback(1))).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0' })
    expect(flotilla.log.join('\n')).not.toContain('CannotOpen')

    await flotilla.stop()
    await expect(startFlotilla({ home, env: { FLOTILLA_SECRET_KEY: old } })).rejects.toThrow(
      /FLOTILLA_SECRET_KEY is not the key/,
    )
    flotilla = await startFlotilla({ home, env: { FLOTILLA_SECRET_KEY: fresh } })
  } finally {
    await removeFlotilla(flotilla)
  }
})
