import type { ClusterError } from '../errors.ts'
import type { KubeObject } from '../types.ts'

/**
 * What a watch tells. A full list begins with `reset` and ends with `synced`: what was not upserted between the two is
 * gone (a `reset` may be followed by another when a list broke off). `stale`: the connection is in doubt, so what is
 * known may be old. `live`: it is current again. `alive`: nothing has changed, and the server has just said so.
 */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'reset' }
  | { readonly type: 'upsert'; readonly object: T }
  | { readonly type: 'delete'; readonly object: T }
  | { readonly type: 'synced' }
  | { readonly type: 'stale'; readonly error: ClusterError }
  | { readonly type: 'live' }
  | { readonly type: 'alive' }
