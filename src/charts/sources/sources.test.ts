import { describe, expect, test } from 'vitest'
import type { ChartSource } from '../types.ts'
import { findVersion, offerFrom } from './find.ts'
import { packedName } from './folder.ts'

test.each([
  ['demo-1.0.0.tgz', 'demo', '1.0.0'],
  ['demo-two-1.0.0-rc.1+b.7.tgz', 'demo-two', '1.0.0-rc.1+b.7'],
  ['cert-manager-v1.14.0.tgz', 'cert-manager', 'v1.14.0'],
])('%s is %s in version %s', (file, name, version) => {
  expect(packedName(file)).toEqual({ name, version })
})

test.each(['demo.tgz', '-1.0.0.tgz', 'demo-1.0.tgz', 'demo-1.0.0.zip'])('%s names no chart', (file) => {
  expect(packedName(file)).toBeNull()
})

describe('finding a version', () => {
  const source = (name: string, known: readonly string[] | Error): ChartSource => {
    const versions = () =>
      known instanceof Error
        ? Promise.reject(known)
        : Promise.resolve(known.map((version) => ({ version, appVersion: null, digest: null })))
    const names = () => Promise.resolve([])
    const fetch = () => Promise.reject(new Error('not here'))
    return { id: name, name, names, versions, offer: offerFrom(versions), fetch }
  }
  const a = source('a', ['1.0.0', '1.1.0'])
  const b = source('b', ['1.1.0', '2.0.0'])
  const down = source('down', new Error('down'))

  test('the first source that has exactly this version wins', async () => {
    expect((await findVersion([a, b], 'demo', '1.1.0')).source.name).toBe('a')
    expect((await findVersion([b, a], 'demo', '1.1.0')).source.name).toBe('b')
    expect((await findVersion([a, b], 'demo', '2.0.0')).source.name).toBe('b')
    expect((await findVersion([a, down], 'demo', '1.0.0')).source.name).toBe('a')
  })

  test('a source that is down is not passed over', async () => {
    await expect(findVersion([down, b], 'demo', '2.0.0')).rejects.toThrow('down')
  })

  test('an unknown chart and an unknown version are told apart', async () => {
    await expect(findVersion([], 'demo', '1.0.0')).rejects.toMatchObject({ code: 'chart_not_found' })
    await expect(findVersion([a, b], 'demo', '1.0')).rejects.toMatchObject({
      code: 'chart_version_not_found',
      extra: { versions: ['2.0.0', '1.1.0', '1.0.0'] },
    })
  })

  test('at most twenty versions are listed', async () => {
    const many = source(
      'many',
      [...Array(50).keys()].map((n) => `1.0.${n}`),
    )
    const error = await findVersion([many], 'demo', '9.0.0').catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ extra: { versions: expect.arrayContaining(['1.0.49', '1.0.30']) } })
    expect(String(error)).toContain('1.0.30 and 30 older ones')
  })
})
