import { Writer } from 'protobufjs/minimal.js'
import { describe, expect, it } from 'vitest'
import { decodeProtobuf, isProtobuf } from './protobuf.ts'

const message = (write: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer()
  write(writer)
  return writer.finish()
}
const text = (field: number) => (field << 3) | 2

/** A body as client-go writes it. */
function body(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const type = message((writer) => writer.uint32(text(1)).string(apiVersion).uint32(text(2)).string(kind))
  const unknown = message((writer) => writer.uint32(text(1)).bytes(type).uint32(text(2)).bytes(raw))
  return Buffer.concat([Buffer.from('k8s\0'), unknown])
}

const entry = (key: string, value: Uint8Array) =>
  message((writer) => writer.uint32(text(1)).string(key).uint32(text(2)).bytes(value))

describe('protobuf bodies', () => {
  it('become the object that their JSON would be', () => {
    const metadata = message((writer) => {
      writer.uint32(text(1)).string('r').uint32(text(2)).string('').uint32(text(8)).bytes(new Uint8Array())
      writer.uint32(text(11)).bytes(entry('owner', Buffer.from('helm')))
    })
    const secret = message((writer) => {
      writer.uint32(text(1)).bytes(metadata)
      writer.uint32(text(2)).bytes(entry('release', Buffer.from('bytes')))
      writer
        .uint32(text(3))
        .string('helm.sh/release.v1')
        .uint32(5 << 3)
        .bool(true)
    })
    expect(decodeProtobuf(body('v1', 'Secret', secret))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'r', labels: { owner: 'helm' } },
      data: { release: Buffer.from('bytes').toString('base64') },
      type: 'helm.sh/release.v1',
      immutable: true,
    })
  })

  it('hold numbers, ports that may be names, and quantities', () => {
    const targetPort = message((writer) =>
      writer
        .uint32(1 << 3)
        .int64(1)
        .uint32(text(3))
        .string('http'),
    )
    const port = message((writer) =>
      writer
        .uint32(3 << 3)
        .int32(80)
        .uint32(text(4))
        .bytes(targetPort),
    )
    const spec = message((writer) => writer.uint32(text(1)).bytes(port))
    const service = message((writer) => writer.uint32(text(2)).bytes(spec))
    expect(decodeProtobuf(body('v1', 'Service', service))).toMatchObject({
      spec: { ports: [{ port: 80, targetPort: 'http' }] },
    })
  })

  it('are told from JSON and refused when broken', () => {
    expect(isProtobuf(Buffer.from('{"kind":"Secret"}'))).toBe(false)
    expect(() => decodeProtobuf(body('v1', 'Nothing', new Uint8Array()))).toThrow('not a protobuf object of this API')
    expect(() => decodeProtobuf(Buffer.from('k8s\0\u000f\u00ff'))).toThrow('not a protobuf object of this API')
  })
})
