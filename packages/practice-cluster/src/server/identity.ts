import 'reflect-metadata'
import { randomBytes, type webcrypto } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { writePrivate } from './files.ts'

/** What makes one practice cluster: its certificates and its token. */
export type Identity = {
  readonly caCertificate: string
  readonly certificate: string
  readonly key: string
  readonly token: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000

/** Reads the identity of a data folder, making it at the first start. Only its owner can read the file. */
export async function loadIdentity(folder: string, now: Date): Promise<Identity> {
  const file = join(folder, 'identity.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Identity
  const identity = await makeIdentity(now, {
    authority: 'flotilla practice cluster (simulated)',
    server: 'practice-cluster',
  })
  writePrivate(file, JSON.stringify(identity))
  return identity
}

/** A new authority, a certificate by it for 127.0.0.1 and localhost, and a token. */
export async function makeIdentity(
  now: Date,
  names: { readonly authority: string; readonly server: string },
): Promise<Identity> {
  x509.cryptoProvider.set(crypto)
  const validity = { notBefore: new Date(now.getTime() - 60_000), notAfter: new Date(now.getTime() + TEN_YEARS_MS) }
  const [ca, server] = [await makeKeys(), await makeKeys()]
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: `CN=${names.authority}`,
    signingAlgorithm: ALGORITHM,
    keys: ca,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const certificate = await makeServerCertificate(names.server, authority, ca.privateKey, server.publicKey, validity)
  return {
    caCertificate: authority.toString('pem'),
    certificate: certificate.toString('pem'),
    key: await pemOf(server.privateKey),
    token: randomBytes(32).toString('base64url'),
  }
}

function makeServerCertificate(
  name: string,
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  publicKey: webcrypto.CryptoKey,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: `CN=${name}`,
    issuer: authority.subject,
    signingAlgorithm: ALGORITHM,
    signingKey,
    publicKey,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  })
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}
