import { stringify } from 'yaml'
import type { Identity } from './identity.ts'

const NAME = 'practice'

/** The kubeconfig by which everybody reaches the cluster; its context is `practice`. */
export function kubeconfigText({ caCertificate, token }: Identity, port: number): string {
  const authority = Buffer.from(caCertificate).toString('base64')
  const server = `https://127.0.0.1:${port}`
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: NAME, cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: NAME, user: { token } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME } }],
    'current-context': NAME,
  })
}
