import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { writePrivate } from '@flotilla/practice-cluster/files'
import { makeIdentity } from '@flotilla/practice-cluster/identity'
import { kubeconfigText } from '@flotilla/practice-cluster/kubeconfig'

/** Who reaches the API server, and the group that says what each may do there. */
const users = {
  admin: { name: 'testbed-admin', group: 'system:masters' },
  'controller-manager': { name: 'system:kube-controller-manager', group: '' },
  scheduler: { name: 'system:kube-scheduler', group: '' },
  kwok: { name: 'testbed-kwok', group: 'system:masters' },
} as const
export type User = keyof typeof users

/** Files with all that the programs of one cluster prove themselves by; only their owner can read them. */
export type Credentials = {
  readonly authority: string
  readonly certificate: string
  readonly key: string
  /** Signs the tokens of ServiceAccounts. */
  readonly accountKey: string
  readonly tokens: string
  readonly adminToken: string
  /** The kubeconfig of a user, for a server at this port. */
  kubeconfig(user: User, port: number): string
}

/** Makes an authority, a certificate for loopback, keys and tokens, all new, in `folder`. */
export async function makeCredentials(folder: string): Promise<Credentials> {
  const names = { authority: 'flotilla testbed', server: 'kube-apiserver' }
  const { caCertificate, certificate, key, token } = await makeIdentity(new Date(), names)
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    writePrivate(file, text)
    return file
  }
  const tokenOf = new Map(Object.keys(users).map((user) => [user, randomBytes(32).toString('base64url')] as const))
  tokenOf.set('admin', token)
  const rows = Object.entries(users).map(([user, { name, group }]) => `${tokenOf.get(user)},${name},${user},"${group}"`)
  return {
    authority: write('authority.crt', caCertificate),
    certificate: write('server.crt', certificate),
    key: write('server.key', key),
    accountKey: write('accounts.key', signingKey()),
    tokens: write('tokens.csv', `${rows.join('\n')}\n`),
    adminToken: token,
    kubeconfig(user, port) {
      const identity = { caCertificate, token: tokenOf.get(user) ?? '' }
      return write(`${user}.kubeconfig`, kubeconfigText(identity, port, 'testbed'))
    },
  }
}

function signingKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}
