import type { Credentials } from './credentials.ts'

/** What the command lines of the programs have in common. */
export type Setting = {
  readonly credentials: Credentials
  /** The port of the API server, the only one that is open. */
  readonly port: number
  /** The configuration of kwok. */
  readonly stages: string
}

export const programs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const
export type Program = (typeof programs)[number]

/**
 * etcd is reached by sockets in the cluster's own folder, where all programs run: no port, and nobody else who could.
 * The socket is the file of this name.
 */
const client = 'unix://localhost:2379'
const peer = 'unix://localhost:2380'

const etcd = (): readonly string[] => [
  '--name=testbed',
  '--data-dir=etcd',
  `--listen-client-urls=${client}`,
  `--advertise-client-urls=${client}`,
  `--listen-peer-urls=${peer}`,
  `--initial-advertise-peer-urls=${peer}`,
  `--initial-cluster=testbed=${peer}`,
  '--unsafe-no-fsync',
  '--log-level=warn',
]

const apiServer = ({ credentials, port }: Setting): readonly string[] => [
  `--etcd-servers=${client}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--tls-cert-file=${credentials.certificate}`,
  `--tls-private-key-file=${credentials.key}`,
  `--token-auth-file=${credentials.tokens}`,
  '--authorization-mode=RBAC',
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${credentials.accountKey}`,
  `--service-account-signing-key-file=${credentials.accountKey}`,
  '--service-cluster-ip-range=10.0.0.0/16',
  '--allow-privileged',
  // The Endpoints of the API server itself may not be on loopback, and nobody here uses them.
  '--endpoint-reconciler-type=none',
  // A pod may be made in the moment after its namespace, before the controllers have made its ServiceAccount.
  '--disable-admission-plugins=ServiceAccount',
]

const faster = ['--kube-api-qps=200', '--kube-api-burst=400', '--leader-elect=false', '--secure-port=0'] as const

const controllerManager = ({ credentials, port }: Setting): readonly string[] => [
  `--kubeconfig=${credentials.kubeconfig('controller-manager', port)}`,
  `--service-account-private-key-file=${credentials.accountKey}`,
  `--root-ca-file=${credentials.authority}`,
  '--use-service-account-credentials',
  // On a machine with much to do the nodes of kwok are late. They are never gone, and no pod is made unready or evicted.
  '--node-monitor-grace-period=10m',
  ...faster,
]

const scheduler = ({ credentials, port }: Setting): readonly string[] => [
  `--kubeconfig=${credentials.kubeconfig('scheduler', port)}`,
  ...faster,
]

const kwok = ({ credentials, port, stages }: Setting): readonly string[] => [
  `--kubeconfig=${credentials.kubeconfig('kwok', port)}`,
  `--config=${stages}`,
  '--manage-all-nodes=true',
  '--node-port=0',
  // Without leases that it renews, a node counts as gone after the grace period of the controller manager.
  '--node-lease-duration-seconds=40',
  // Addresses of documentation and of bench tests: nobody answers there.
  '--node-ip=192.0.2.10',
  '--cidr=198.18.0.1/15',
]

/** The arguments of a program. */
export const argumentsOf: Readonly<Record<Program, (setting: Setting) => readonly string[]>> = {
  etcd,
  'kube-apiserver': apiServer,
  'kube-controller-manager': controllerManager,
  'kube-scheduler': scheduler,
  kwok,
}
