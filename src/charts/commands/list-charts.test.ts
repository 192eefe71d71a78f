import { expect, test } from 'vitest'
import { offerFrom } from '../sources/find.ts'
import type { ChartSource } from '../types.ts'
import { type ChartVersion, listCharts } from './list-charts.ts'

type Given = { readonly names?: () => Promise<readonly string[] | null>; readonly down?: readonly string[] }

/** A source with these charts, each `NAME VERSION`; those in `down` it does not tell of. */
function source(name: string, charts: readonly string[], { names, down = [] }: Given = {}): ChartSource {
  const split = charts.map((chart) => chart.split(' '))
  const versions = async (wanted: string) => {
    if (down.includes(wanted)) throw new Error(`no ${wanted}`)
    return split.flatMap(([chart, version = '']) =>
      chart === wanted ? [{ version, appVersion: null, digest: null }] : [],
    )
  }
  const all = async () => [...new Set(split.map(([chart = '']) => chart))]
  const fetch = () => Promise.reject(new Error('not asked for'))
  return { id: name, name, names: names ?? all, versions, offer: offerFrom(versions), fetch }
}

const gone = () => Promise.reject(new Error('gone'))
const never = () => new Promise<never>(() => {})
const good = source('good', ['demo 1.0.0', 'demo 1.10.0', 'other 1.0.0'])
const ofGood = [
  { name: 'demo', versions: ['1.10.0', '1.0.0'], sources: ['good'] },
  { name: 'other', versions: ['1.0.0'], sources: ['good'] },
]
const kept: Record<string, readonly ChartVersion[]> = { bad: [{ name: 'old', version: '0.1.0' }] }
type Asked = { readonly name?: string; readonly keeps?: typeof kept; readonly limitMs?: number }
const list = (sources: readonly ChartSource[], { name, keeps = {}, limitMs = 60_000 }: Asked = {}) =>
  listCharts({ sources, kept: async (id) => keeps[id] ?? [], limitMs }, name)

test.each([
  ['is down', gone, 60_000],
  ['hangs', never, 50],
])('what the others have is listed while a source %s, which is named', async (_, names, limitMs) => {
  const answer = await list([source('bad', [], { names }), good], { limitMs })
  expect(answer).toEqual({ charts: ofGood, unavailable: ['bad'] })
})

test('so is what is kept of it: that can be installed', async () => {
  const answer = await list([source('bad', [], { names: gone }), good], { keeps: kept })
  expect(answer.charts).toEqual([...ofGood, { name: 'old', versions: ['0.1.0'], sources: ['bad'] }].sort(byName))
  expect(answer.unavailable).toEqual(['bad'])
})
const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)

test('and what it tells besides, of one that answers in part', async () => {
  const partly = source('bad', ['a 1.0.0', 'old 2.0.0'], { down: ['old'] })
  expect(await list([partly], { keeps: kept })).toEqual({
    charts: [
      { name: 'a', versions: ['1.0.0'], sources: ['bad'] },
      { name: 'old', versions: ['0.1.0'], sources: ['bad'] },
    ],
    unavailable: ['bad'],
  })
})

test('when none answers and nothing is kept it is "unavailable", by the name of the first', async () => {
  const both = [source('one', [], { names: gone }), source('two', [], { names: gone })]
  await expect(list(both)).rejects.toMatchObject({ code: 'unavailable', extra: { source: 'one' } })
  expect(await list([])).toEqual({ charts: [], unavailable: [] })
})

test('a source that does not tell its charts shows those that came from it, as it has them now', async () => {
  const silent = source('bad', ['old 0.1.0', 'old 0.2.0', 'new 1.0.0'], { names: async () => null })
  expect(await list([silent], { keeps: kept })).toEqual({
    charts: [{ name: 'old', versions: ['0.2.0', '0.1.0'], sources: ['bad'] }],
    unavailable: [],
  })
})

test('by its name a chart is asked for in every source, whether they tell what they have or not', async () => {
  const silent = source('silent', ['demo 2.0.0'], { names: never })
  expect(await list([silent, good], { name: 'demo' })).toEqual({
    charts: [{ name: 'demo', versions: ['2.0.0', '1.10.0', '1.0.0'], sources: ['silent', 'good'] }],
    unavailable: [],
  })
})

test('many charts are asked for, a few at a time', async () => {
  let running = 0
  let most = 0
  const versions = async () => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running -= 1
    return [{ version: '1.0.0', appVersion: null, digest: null }]
  }
  const names = Array.from({ length: 200 }, (_, at) => `chart-${at}`)
  const answer = await list([{ ...good, names: async () => names, versions }])
  expect(answer.charts).toHaveLength(200)
  expect(most).toBe(16)
})
