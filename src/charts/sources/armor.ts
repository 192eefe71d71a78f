const block = /-----BEGIN PGP ([A-Z ]+)-----\r?\n([\s\S]*?)-----END PGP \1-----/g

/**
 * Armored OpenPGP public keys as the packets that a keyring is made of; null when the text holds anything else, above all a
 * private key.
 */
export function keyringOf(armored: string): Buffer | null {
  const blocks = [...armored.matchAll(block)]
  const rest = armored.replaceAll(block, '').trim()
  if (blocks.length === 0 || rest !== '' || blocks.some(([, kind]) => kind !== 'PUBLIC KEY BLOCK')) return null
  const packets = blocks.map(([, , body = '']) => packetsOf(body))
  return packets.every((each) => each !== null) ? Buffer.concat(packets) : null
}

/** Headers end with an empty line; what begins with `=` is a checksum. */
function packetsOf(body: string): Buffer | null {
  const lines = body.split(/\r?\n/).map((line) => line.trim())
  const start = lines.indexOf('')
  const text = lines.slice(start + 1).filter((line) => line !== '' && !line.startsWith('='))
  const bytes = text.every((line) => /^[A-Za-z0-9+/]+=*$/.test(line)) ? Buffer.from(text.join(''), 'base64') : null
  // Tag 6 is a public key, in both of the formats of packet headers.
  const first = bytes?.[0] ?? 0
  const tag = (first & 0x40) === 0 ? (first >> 2) & 0xf : first & 0x3f
  return bytes !== null && (first & 0x80) !== 0 && tag === 6 ? bytes : null
}
