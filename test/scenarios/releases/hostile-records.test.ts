import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeRelease, encodeRelease } from '../../../src/infra/helm/storage/codec.ts'
import { recordName } from '../../../src/infra/helm/storage/record.ts'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

type Secret = KubeObject & { readonly type: string; readonly data: { readonly release: string } }

/** Base64 twice of gzip, as helm packs a record: 700 MB of zeros in 0.7 MB. */
function bomb(): string {
  const zeros = Buffer.alloc(70 << 20)
  const packed = gzipSync(zeros, { level: 9 })
  const members = Buffer.concat(Array.from({ length: 10 }, () => packed))
  return Buffer.from(members.toString('base64'), 'latin1').toString('base64')
}

/** Writes a record as a pod of the tenant could, which has taken a ServiceAccount's token. */
async function write({ namespace, name }: ReleaseHandle, version: number, release: string, status = 'deployed') {
  const labels = { owner: 'helm', name, status, version: String(version) }
  const metadata = { namespace, name: recordName(name, version), labels }
  const secret: Secret = { metadata, type: 'helm.sh/release.v1', data: { release } }
  await world.cluster.client.create(resources.secrets, secret)
  return () => world.cluster.client.delete(resources.secrets, metadata)
}

const forged = (release: ReleaseHandle, of: object) =>
  encodeRelease({
    ...{ name: release.name, namespace: release.namespace, version: 2, manifest: '', config: {} },
    ...{ info: { status: 'deployed' }, chart: { metadata: { name: 'x', version: '9.9.9' } } },
    ...of,
  })

const chartNamed = (name: string) => ({ chart: { metadata: { name, version: '9.9.9' } } })

const written: readonly (readonly [string, (release: ReleaseHandle) => Promise<() => Promise<unknown>>])[] = [
  ['that unpacks to 700 MB', (release) => write(release, 2, bomb())],
  ['whose content is of another release', (release) => write(release, 2, forged(release, { name: 'other' }))],
  ['whose content is of another namespace', (release) => write(release, 2, forged(release, { namespace: 'default' }))],
  ['whose content has another number', (release) => write(release, 2, forged(release, { version: 7 }))],
  ['of a chart whose name is too long', (release) => write(release, 2, forged(release, chartNamed('x'.repeat(5_000))))],
  ['whose number is too high', (release) => write(release, 2 ** 31, forged(release, { version: 2 ** 31 }))],
  ['that is no gzip', (release) => write(release, 2, Buffer.from('aGVsbG8=').toString('base64'))],
]

test.each(written)('a record %s is unreadable: nothing is concluded from it, and it is said', async (_, forge) => {
  const release = await world.place().installed()
  const remove = await forge(release)
  const shown = await eventually('the release says that it cannot be read', async () => {
    const seen = await release.read()
    return seen.waitingFor?.reason === 'CLUSTER_UNREADABLE' && seen
  })
  expect(shown).toMatchObject({ status: 'DEPLOYED', revision: 1, chartVersion: '1.0.0' })
  expect(shown.waitingFor?.detail).toContain('cannot be read')
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])

  await remove()
  const again = await eventually('the release can be read again', async () => {
    const seen = await release.read()
    return seen.waitingFor === null && seen
  })
  expect(again).toMatchObject({ status: 'DEPLOYED', revision: 1 })
})

test('a record whose texts and times cannot be kept as they are is followed all the same', async () => {
  const release = await world.place().installed()
  const info = { status: 'deployed', description: 'a\0b\ud800', last_deployed: '+200000-01-01T00:00:00Z' }
  const chart = { metadata: { name: 'x', version: '9.9.9', appVersion: '\0' } }
  await write(release, 2, forged(release, { info, chart }))
  const shown = await release.until('the record is followed', ({ revision }) => revision === 2)
  expect(shown).toMatchObject({
    status: 'DEPLOYED',
    description: 'a\ufffdb\ufffd',
    appVersion: '\ufffd',
    waitingFor: null,
  })
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
})

test('an upgrade by hand whose end came twice at a time is pending, as helm says, whatever its label says', async () => {
  const release = await world.place().installed()
  const { namespace, name } = release
  const first = await world.cluster.client.get<Secret>(resources.secrets, { namespace, name: recordName(name, 1) })
  const record = decodeRelease(first.data.release)
  const info = { ...(record.info as object), status: 'pending-upgrade' }
  await write(release, 2, encodeRelease({ ...record, info, version: 2 }), 'failed')
  expect(await release.untilStatus('PENDING_UPGRADE')).toMatchObject({ revision: 2, pendingBy: 'external' })
  expect(ok(await release.recover({ force: true }))).toMatchObject({ action: 'settle', release: { status: 'FAILED' } })
  expect((await world.cluster.newest(namespace, name)).info.status).toBe('failed')
  expect(ok(await release.upgrade({ chartVersion: '1.1.0' }))).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})
