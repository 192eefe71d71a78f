import { expect, test } from 'vitest'
import { type HelmStatus, UnreadableRecordError } from '../../infra/helm/index.ts'
import { firstReadable } from './compared.ts'

const record = (version: number, status: HelmStatus) => ({ version, status, uid: `uid-${version}` })
const stored = [record(1, 'superseded'), record(2, 'deployed'), record(3, 'failed'), record(99, 'deployed')]
const content = (revision: number) => ({ revision, values: {}, manifest: `m${revision}`, chartDigest: null })

test('the newest that is deployed, whoever made it', async () => {
  expect(await firstReadable(stored, async ({ version }) => content(version))).toEqual(content(99))
})

test.each([
  ['cannot be read', () => Promise.reject(new UnreadableRecordError('garbage'))],
  ['is not there any more', async () => null],
])('what is labelled as deployed and %s is passed over', async (_, missing) => {
  const read = async ({ version }: { version: number }) => (version === 99 ? missing() : content(version))
  expect(await firstReadable(stored, read)).toEqual(content(2))
  const none = async ({ version }: { version: number }) => (version === 3 ? content(3) : missing())
  expect(await firstReadable(stored, none)).toEqual(content(3))
  expect(await firstReadable(stored, missing)).toBeNull()
})

test('a cluster that does not answer is no record that cannot be read', async () => {
  await expect(firstReadable(stored, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
})
