/** A Secret as Kubernetes protobuf, for tests: only what the wall looks at. */
export type WireSecret = {
  readonly kind?: string
  readonly name: string
  readonly generateName?: string
  readonly namespace?: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
}

export function encodeSecret(secret: WireSecret): Buffer {
  const labels = Object.entries(secret.labels).map(([key, value]) => field(11, [field(1, key), field(2, value)]))
  const meta = [field(1, secret.name), field(2, secret.generateName ?? ''), field(3, secret.namespace ?? ''), ...labels]
  const object = Buffer.concat([
    field(1, meta),
    field(2, [field(1, 'release'), field(2, 'H4sI')]),
    field(3, secret.type),
  ])
  const typeMeta = [field(1, 'v1'), field(2, secret.kind ?? 'Secret')]
  return Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, object), field(3, ''), field(4, '')])
}

/** A record of the first revision of a release. */
export const record = (release: string, version = 1): WireSecret => ({
  name: `sh.helm.release.v1.${release}.v${version}`,
  type: 'helm.sh/release.v1',
  labels: { owner: 'helm', name: release, version: String(version), status: 'pending-install' },
})

/** One length-delimited field. */
export function field(number: number, content: string | Buffer | readonly Buffer[]): Buffer {
  const bytes =
    typeof content === 'string' ? Buffer.from(content) : Buffer.isBuffer(content) ? content : Buffer.concat(content)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) + 128 : rest)
    if (rest < 128) return Buffer.from(bytes)
  }
}
