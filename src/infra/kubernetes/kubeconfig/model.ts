/** Bytes of a certificate or key: given in the kubeconfig, or in a file that is read when it is needed. */
export type Material = { readonly pem: string } | { readonly file: string }

export type ClusterEntry = {
  readonly server: URL
  readonly ca: Material | null
  readonly skipVerify: boolean
  readonly serverName: string | null
  readonly proxy: URL | null
}

/** A command that prints an `ExecCredential`. */
export type ExecEntry = {
  readonly apiVersion: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly provideClusterInfo: boolean
}

export type Impersonation = {
  readonly user: string
  readonly groups?: readonly string[]
}

export type UserEntry = {
  readonly token: string | null
  readonly tokenFile: string | null
  readonly basic: { readonly username: string; readonly password: string } | null
  readonly certificate: { readonly cert: Material; readonly key: Material } | null
  readonly exec: ExecEntry | null
  readonly impersonate: Impersonation | null
  /** One of the old built-in providers (oidc, azure, gcp): its own entry, as it stands. */
  readonly authProvider: { readonly name: string; readonly config: Readonly<Record<string, unknown>> } | null
}

/** One context, resolved: a cluster and who speaks to it. */
export type Context = { readonly name: string; readonly cluster: ClusterEntry; readonly user: UserEntry }
export type Kubeconfig = { readonly current: string | null; readonly contexts: readonly Context[] }

/** The kubeconfig cannot be used. The message names the file and the entry, never a credential. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError'
}
