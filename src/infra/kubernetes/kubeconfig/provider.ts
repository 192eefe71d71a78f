import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { ClusterError } from '../errors.ts'
import type { Credentials } from './credentials.ts'
import type { Context } from './model.ts'

const loaded = new WeakMap<Context, Promise<KubeConfig>>()

/**
 * The token of one of the old built-in providers (oidc, azure, gcp), by the official library. It is loaded only here:
 * importing it takes 0.3 to 0.5 s and 85 MB, more than the rest of the server's modules together.
 */
export async function providerToken(context: Context): Promise<Credentials> {
  try {
    const config = await configOf(context)
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const headers = (options.headers ?? {}) as Record<string, string>
    return { authorization: headers.Authorization ?? null }
  } catch (cause) {
    const message = `the auth-provider ${context.user.authProvider?.name} gave no credentials`
    throw new ClusterError({ status: 0, reason: 'Credentials', message, cause })
  }
}

function configOf(context: Context): Promise<KubeConfig> {
  const known = loaded.get(context) ?? load(context)
  loaded.set(context, known)
  return known
}

async function load({ name, cluster, user }: Context): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  const provider = user.authProvider ?? { name: '', config: {} }
  config.loadFromOptions({
    clusters: [{ name, server: cluster.server.href, skipTLSVerify: cluster.skipVerify }],
    users: [{ name, authProvider: { name: provider.name, config: { ...provider.config } } }],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
  })
  return config
}
