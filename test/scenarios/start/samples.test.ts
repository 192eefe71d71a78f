import { expect, test } from 'vitest'
import { sampleReleases, sampleTenants } from '../../../src/samples/fleet.ts'
import { sampleComponents, samplePaths, sampleVersions } from '../../../src/samples/registry.ts'
import { Api, ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import type { Release } from '../support/releases.ts'

/** As a user starts it: with the sample fleet, and at the rate that holds for every caller. */
const asUser = { args: ['serve'], env: { REQUESTS_PER_SECOND: '' } }
const patience = { withinMs: 90_000 }

const apiOf = ({ url, adminKey }: Flotilla) => new Api(url, adminKey)
const said = ({ log }: Flotilla, word: string) => log.filter((line) => line.includes(word)).length
const list = async <T>(flotilla: Flotilla, path: string) => ok(await apiOf(flotilla).get<readonly T[]>(path))
const welcomed = (flotilla: Flotilla) =>
  eventually('it says what is next', async () => said(flotilla, '/docs') > 0, patience)

test('a first start that was interrupted goes on at the next: what is missing comes, what is there is not touched', async () => {
  const first = await startFlotilla(asUser)
  const { home } = first
  let flotilla = first
  try {
    await eventually('two releases', async () => said(first, ': DEPLOYED') >= 2, patience)
    await first.kill()

    flotilla = await startFlotilla({ home })
    const before = await eventually(
      'what was accepted has ended',
      async () => {
        const all = await list<Release>(flotilla, '/helm/releases')
        return all.every(({ status }) => status === 'DEPLOYED') ? all : null
      },
      patience,
    )
    const [unwanted, ...kept] = before
    ok(await apiOf(flotilla).delete(`/helm/releases/${unwanted?.id}`))
    await flotilla.stop()

    flotilla = await startFlotilla({ ...asUser, home })
    await welcomed(flotilla)
    expect(said(flotilla, 'An earlier start did not finish the sample fleet')).toBe(1)
    const after = await list<Release>(flotilla, '/helm/releases')
    const names = sampleReleases.map(({ tenant, chartName }) => `${tenant}-${chartName.replace('matih-', '')}`)
    const wanted = names.filter((name) => name !== unwanted?.releaseName)
    expect(after.map(({ releaseName }) => releaseName).sort()).toEqual(wanted.sort())
    expect(after.map(({ status, revision }) => [status, revision])).toEqual(wanted.map(() => ['DEPLOYED', 1]))
    const untouched = after.filter(({ id }) => kept.some((each) => each.id === id))
    expect(untouched.map(({ id }) => id).sort()).toEqual(kept.map(({ id }) => id).sort())
    expect(await list(flotilla, '/tenants')).toHaveLength(sampleTenants.length)
    const paths = await list(flotilla, '/registry/upgrade-paths')
    expect(paths).toHaveLength(sampleComponents.length * samplePaths.length)
    for (const { id } of await list<{ id: string }>(flotilla, '/registry/components')) {
      expect(await list(flotilla, `/registry/components/${id}/versions`)).toHaveLength(sampleVersions.length)
    }
    await flotilla.stop()

    flotilla = await startFlotilla({ ...asUser, home })
    await welcomed(flotilla)
    expect(said(flotilla, 'the sample fleet is left as it is')).toBe(1)
    expect(await list(flotilla, '/helm/releases')).toHaveLength(wanted.length)
  } finally {
    await removeFlotilla(flotilla)
  }
})
