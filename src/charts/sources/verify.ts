import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { Problem } from '../../core/problems.ts'
import type { Helm, Verified } from '../../infra/helm/types.ts'
import { digestOf } from '../archive/read.ts'
import type { ChartSource, CosignEvidence, SignedSource, SourceVerify } from '../types.ts'
import { keyringOf } from './armor.ts'
import { named } from './source-down.ts'

/**
 * The same source, which gives only what one of its keys has signed: `fetch` throws `chart_unverified` for anything else.
 * Signatures of OpenPGP are judged by helm, those of cosign by Node.
 */
export function verifiedSource(source: SignedSource, rule: SourceVerify, helm: Pick<Helm, 'verify'>): ChartSource {
  const check = 'cosignKey' in rule ? byCosign(source, rule.cosignKey) : byProvenance(source, rule.provenanceKeys, helm)
  return {
    ...source,
    verifies: true,
    async fetch(name, version) {
      const archive = await source.fetch(name, version)
      const fault = await named(source.name, () => check(name, version, archive))
      if (fault === null) return archive
      throw new Problem('chart_unverified', `${name} ${version} of ${source.name}: ${fault}`, {
        extra: { source: source.name },
      })
    },
  }
}

/** What is wrong with the signature of a chart; null when nothing is. */
type Check = (name: string, version: string, archive: Buffer) => Promise<string | null>

const faults: Readonly<Record<Verified, string | null>> = {
  verified: null,
  unknown_key: 'its provenance is signed by a key that the source does not trust',
  other_bytes: 'its provenance is that of other bytes',
  unreadable: 'its provenance cannot be read, or its signature is not right',
}

function byProvenance(source: SignedSource, keys: string, helm: Pick<Helm, 'verify'>): Check {
  const keyring = keyringOf(keys)
  return async (name, version, archive) => {
    const provenance = await source.provenance(name, version)
    if (provenance === null) return 'it has no provenance'
    if (keyring === null) return 'the keys of the source cannot be read'
    return faults[await helm.verify({ file: `${name}-${version}.tgz`, archive, provenance, keyring })]
  }
}

function byCosign(source: SignedSource, pem: string): Check {
  const key = cosignKeyOf(pem)
  return async (name, version, archive) => {
    if (source.cosign === undefined || key === null) return 'it can have no signature of cosign'
    const evidence = await source.cosign(name, version)
    if (evidence.archive !== digestOf(archive)) return 'its signed manifest names other bytes'
    if (evidence.signatures.length === 0) return 'it has no signature of cosign'
    const signed = evidence.signatures.filter(({ payload, signature }) => isSigned(key, payload, signature))
    if (signed.length === 0) return 'its signatures are not made with the key of the source'
    return signed.some(({ payload }) => isAbout(payload, evidence)) ? null : 'its signature is that of another manifest'
  }
}

/** A public key of cosign: ECDSA, RSA of 2048 bits or more, or Ed25519; null for anything else. */
export function cosignKeyOf(pem: string): KeyObject | null {
  try {
    if (!/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return null
    const key = createPublicKey(pem)
    const { modulusLength = 2048 } = key.asymmetricKeyDetails ?? {}
    return ['ec', 'rsa', 'ed25519'].includes(key.asymmetricKeyType ?? '') && modulusLength >= 2048 ? key : null
  } catch {
    return null
  }
}

function isSigned(key: KeyObject, payload: Buffer, signature: Buffer): boolean {
  try {
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key, signature)
  } catch {
    return false
  }
}

const payloadOf = z.looseObject({
  critical: z.looseObject({
    type: z.literal('cosign container image signature'),
    image: z.looseObject({ 'docker-manifest-digest': z.string() }),
  }),
})

function isAbout(payload: Buffer, { manifest }: CosignEvidence): boolean {
  try {
    const { critical } = payloadOf.parse(JSON.parse(payload.toString('utf8')))
    return critical.image['docker-manifest-digest'] === `sha256:${manifest}`
  } catch {
    return false
  }
}
