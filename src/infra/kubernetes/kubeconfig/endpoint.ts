import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { Clock } from '../../../core/instant.ts'
import type { ClusterEndpoint } from '../types.ts'
import { type CredentialSource, type Credentials, credentialSource, impersonationHeaders } from './credentials.ts'
import { type Context, type Impersonation, KubeconfigError, type Material } from './model.ts'

type Certificate = NonNullable<Credentials['certificate']>

/** An endpoint that must be closed when it is no longer used. */
export interface OwnedEndpoint extends ClusterEndpoint {
  close(): Promise<void>
}

/** How to reach the cluster of a context: connections that are kept, TLS, credentials. Throws `KubeconfigError`. */
export function createEndpoint(context: Context, clock: Clock): OwnedEndpoint {
  return new ContextEndpoint(context, credentialSource(context, clock))
}

/** The same cluster, asked as somebody else (SECURITY.md, "RBAC by impersonation"). */
export function impersonating(endpoint: ClusterEndpoint, who: Impersonation): ClusterEndpoint {
  const as = impersonationHeaders(who)
  return {
    server: endpoint.server,
    get dispatcher() {
      return endpoint.dispatcher
    },
    headers: async () => ({ ...(await endpoint.headers()), ...as }),
    rejected: () => endpoint.rejected?.(),
  }
}

class ContextEndpoint implements OwnedEndpoint {
  readonly server: URL
  readonly #context: Context
  readonly #source: CredentialSource
  #certificate: Certificate | undefined
  #dispatcher: Dispatcher

  constructor(context: Context, source: CredentialSource) {
    this.server = context.cluster.server
    this.#context = context
    this.#source = source
    this.#certificate = readCertificate(context)
    this.#dispatcher = connect(context, this.#certificate)
  }

  get dispatcher(): Dispatcher {
    return this.#dispatcher
  }

  async headers(): Promise<Record<string, string | string[]>> {
    const { authorization, certificate } = await this.#source.current()
    if (certificate !== undefined && certificate.cert !== this.#certificate?.cert) this.#present(certificate)
    const authorized: Record<string, string> = authorization === null ? {} : { authorization }
    return { ...authorized, ...impersonationHeaders(this.#context.user.impersonate) }
  }

  rejected(): void {
    this.#source.forget()
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }

  /** New connections show the new certificate; requests under way end on the old ones. */
  #present(certificate: Certificate): void {
    const old = this.#dispatcher
    this.#certificate = certificate
    this.#dispatcher = connect(this.#context, certificate)
    old.close().catch(() => old.destroy())
  }
}

function connect({ cluster }: Context, certificate: Certificate | undefined): Dispatcher {
  const tls = {
    rejectUnauthorized: !cluster.skipVerify,
    ...(cluster.ca === null ? {} : { ca: read(cluster.ca) }),
    ...(cluster.serverName === null ? {} : { servername: cluster.serverName }),
    ...certificate,
  }
  const options = { keepAliveTimeout: 30_000, connectTimeout: 10_000 }
  if (cluster.proxy === null) return new Agent({ ...options, connect: { ...tls, keepAlive: true } })
  if (!/^https?:$/.test(cluster.proxy.protocol)) {
    throw new KubeconfigError(`a proxy of the kind ${cluster.proxy.protocol.slice(0, -1)} is not supported`)
  }
  return new ProxyAgent({ ...options, uri: cluster.proxy.href, requestTls: tls })
}

function readCertificate({ user }: Context): Certificate | undefined {
  if (user.certificate === null) return undefined
  return { cert: read(user.certificate.cert), key: read(user.certificate.key) }
}

function read(material: Material): string {
  if ('pem' in material) return material.pem
  try {
    return readFileSync(material.file, 'utf8')
  } catch (cause) {
    throw new KubeconfigError(`${material.file} cannot be read`, { cause })
  }
}
