import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Room } from './classify.ts'
import { isAllowedSecret, nameOfSecret } from './secret-body.ts'
import { encodeSecret, field, record, type WireSecret } from './testing/secrets.ts'

const room: Room = { namespace: 'ns', release: 'web', granted: [] }
const protobuf = 'application/vnd.kubernetes.protobuf'
const asProtobuf = (secret: WireSecret, name: string | null = null) =>
  isAllowedSecret(protobuf, encodeSecret(secret), name, room)
const asJson = (secret: unknown, name: string | null = null) =>
  isAllowedSecret('application/apply-patch+yaml', Buffer.from(JSON.stringify(secret)), name, room)

test('the name of a refused Secret is read from its body, whatever that holds', () => {
  expect(nameOfSecret(protobuf, encodeSecret(record('web', 3)))).toBe('sh.helm.release.v1.web.v3')
  expect(nameOfSecret('application/json', Buffer.from('{"metadata":{"name":"token"}}'))).toBe('token')
  for (const body of ['{}', '[]', '{"metadata":{"generateName":"a-"}}', 'k8s\0'])
    expect(nameOfSecret('application/json', Buffer.from(body))).toBeNull()
})

describe('as protobuf, a record of the release and nothing else', () => {
  const ours = record('web', 3)

  test('a create and an update of our own', () => {
    expect(asProtobuf(ours)).toBe(true)
    expect(asProtobuf({ ...ours, namespace: 'ns' }, 'sh.helm.release.v1.web.v3')).toBe(true)
  })

  test.each<[string, WireSecret]>([
    ['of another release', record('other', 3)],
    ['named for another', { ...ours, name: 'sh.helm.release.v1.other.v3' }],
    ['labelled for another', { ...ours, labels: { ...ours.labels, name: 'other' } }],
    ['with another number', { ...ours, labels: { ...ours.labels, version: '4' } }],
    ['of another owner', { ...ours, labels: { ...ours.labels, owner: 'chart' } }],
    ['of another type', { ...ours, type: 'Opaque' }],
    ['in another namespace', { ...ours, namespace: 'kube-system' }],
    ['with a name yet to be made', { ...ours, generateName: 'sh.helm.release.v1.' }],
    ['of another kind', { ...ours, kind: 'ConfigMap' }],
    ['an ordinary Secret', { name: 'a', type: 'Opaque', labels: {} }],
  ])('not one %s', (_what, secret) => expect(asProtobuf(secret)).toBe(false))

  test('not under another name than the path says', () => {
    expect(asProtobuf(ours, 'sh.helm.release.v1.web.v4')).toBe(false)
  })

  test('not with a second value of the same field, which another reader might prefer', () => {
    const typeMeta = field(1, [field(1, 'v1'), field(2, 'Secret')])
    const hidden = field(2, [field(1, field(1, 'evil'))])
    expect(isAllowedSecret(protobuf, Buffer.concat([encodeSecret(ours), hidden]), null, room)).toBe(false)
    expect(isAllowedSecret(protobuf, Buffer.concat([encodeSecret(ours), typeMeta]), null, room)).toBe(false)
  })

  test('not when cut short or altered into nonsense; never an exception', () => {
    // The two empty fields at the end (four bytes) may be missing: they are at their defaults.
    const whole = encodeSecret(ours).subarray(0, -4)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (at) => {
        expect(isAllowedSecret(protobuf, whole.subarray(0, at), null, room)).toBe(false)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(isAllowedSecret(protobuf, Buffer.concat([Buffer.from('k8s\0'), bytes]), null, room)).toBe(false)
      }),
    )
  })
})

describe('as JSON, any Secret that cannot be taken for a record or a token', () => {
  const plain = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', labels: { app: 'x' } }, type: 'Opaque' }

  test('an ordinary one', () => {
    expect(asJson(plain, 'a')).toBe(true)
    expect(asJson({ data: { 'sh.helm.release.v1.x.v1': 'b3duZXI9aGVsbQ==', type: 'aGVsbS5zaC8=' } }, 'a')).toBe(true)
  })

  test.each([
    ['the name', { ...plain, metadata: { name: 'sh.helm.release.v1.other.v7' } }],
    ['our own name', { ...plain, metadata: { name: 'sh.helm.release.v1.web.v7' } }],
    ['a name yet to be made', { ...plain, metadata: { generateName: 'sh.helm.release.v1.x.v' } }],
    ['the type', { ...plain, type: 'helm.sh/release.v1' }],
    ['a later type', { ...plain, type: 'helm.sh/anything' }],
    ['a token', { ...plain, type: 'kubernetes.io/service-account-token' }],
    ['the label', { ...plain, metadata: { name: 'a', labels: { owner: 'helm' } } }],
    ['operations', [{ op: 'add', path: '/metadata/labels/owner', value: 'helm' }]],
    ['nothing', null],
  ])('not with %s', (_what, secret) => expect(asJson(secret)).toBe(false))

  test('not with the name of a record in the path', () => {
    expect(asJson(plain, 'sh.helm.release.v1.web.v1')).toBe(false)
  })

  test('not what is no JSON', () => {
    expect(isAllowedSecret('application/apply-patch+yaml', Buffer.from('type: helm.sh/release.v1'), 'a', room)).toBe(
      false,
    )
  })
})
