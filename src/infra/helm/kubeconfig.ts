/** What helm is given in place of credentials: the gateway's address with the attempt's secret, and a namespace. */
export function gatewayKubeconfig(url: string, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'gateway',
    clusters: [{ name: 'gateway', cluster: { server: url } }],
    users: [{ name: 'attempt', user: {} }],
    contexts: [{ name: 'gateway', context: { cluster: 'gateway', user: 'attempt', namespace } }],
  })
}
