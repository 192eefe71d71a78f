import { stringify } from 'yaml'
import type { Identity } from './identity.ts'

/** The kubeconfig by which a user reaches a cluster on this machine; its context has the name. */
export function kubeconfigText(
  { caCertificate, token }: Pick<Identity, 'caCertificate' | 'token'>,
  port: number,
  name = 'practice',
): string {
  const authority = Buffer.from(caCertificate).toString('base64')
  const server = `https://127.0.0.1:${port}`
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}
