import type { Instant } from '../core/instant.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Uuid } from '../core/subject.ts'
import type { RenderedObject } from '../infra/helm/types.ts'

/** One version of a chart that a source offers. `digest` is the SHA-256 of the archive where the source tells it. */
export type OfferedVersion = {
  readonly version: string
  readonly appVersion: string | null
  readonly digest: string | null
}

/**
 * A place that charts come from. Every method throws `unavailable`, naming the source, when it does not answer:
 * that a source is down is never taken for "there is no such chart".
 */
export interface ChartSource {
  readonly id: Uuid
  readonly name: string
  /** The names of all charts in it; null when it has charts and does not tell which. */
  names(): Promise<readonly string[] | null>
  /** The versions of one chart, in no order; none when it does not know the chart. */
  versions(name: string): Promise<readonly OfferedVersion[]>
  /** One version; null when it does not have it. */
  offer(name: string, version: string): Promise<OfferedVersion | null>
  /** The bytes of a version that it offers. */
  fetch(name: string, version: string): Promise<Buffer>
  /** Whether it gives only what is signed by a key of its own: then what another source gave before is no match for it. */
  readonly verifies?: boolean
}

/** What stands beside a chart as the word of who made it. */
export type SignedSource = ChartSource & {
  /** The provenance file of a version; null when there is none. */
  provenance(name: string, version: string): Promise<Buffer | null>
  /** The cosign signatures of a version; of sources that can have some. */
  readonly cosign?: (name: string, version: string) => Promise<CosignEvidence>
}

/** `archive` is the digest of the chart that the signed manifest names; both are SHA-256 in hexadecimal. */
export type CosignEvidence = {
  readonly manifest: string
  readonly archive: string
  readonly signatures: readonly { readonly payload: Buffer; readonly signature: Buffer }[]
}

/** Whose signature a source asks of its charts: armored OpenPGP keys, or a public key of cosign as PEM. */
export type SourceVerify = { readonly provenanceKeys: string } | { readonly cosignKey: string }

/** What a source asks callers for. Leaves the process in requests to the source's own origin and its `authHosts` only. */
export type SourceCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }

export const sourceTypes = ['http', 'oci', 'folder'] as const
export type SourceType = (typeof sourceTypes)[number]

/** A configured source. The lowest `priority` is asked first; equal ones by name. */
export type SourceRecord = {
  readonly id: Uuid
  readonly name: string
  readonly type: SourceType
  readonly url: string
  readonly priority: number
  readonly credentials: SourceCredentials | null
  /** Hosts beside the source's own that may be asked for a token, and see the credentials for it. */
  readonly authHosts: readonly string[]
  /** Null: its charts may be signed by anybody, or nobody. */
  readonly verify: SourceVerify | null
  readonly createdAt: Instant
}

export type RenderRequest = {
  readonly archive: Buffer
  readonly release: ReleaseTarget
  readonly values: JsonObject
}

/**
 * Renders a chart with `helm template` and without a cluster; hooks and CRDs are among the objects. Helm checks the
 * values against the chart's schemas. Throws `values_schema`, `chart_render_failed` or `chart_invalid` in words that
 * quote no values.
 */
export type Render = (request: RenderRequest) => Promise<readonly RenderedObject[]>

/** Keeps JSON secret at rest. Joined in `main.ts`. */
export interface Sealer {
  seal(value: Json): Buffer
  /** Throws when the bytes were not sealed by it. */
  open(sealed: Uint8Array): Json
}

/** A chart that is kept, as others refer to it. */
export type ResolvedChart = {
  readonly digest: string
  readonly name: string
  readonly version: string
  readonly appVersion: string | null
  readonly hasHooks: boolean
}

/** Where a chart is to go. */
export type ReleaseTarget = {
  readonly name: string
  readonly namespace: string
  readonly tenantId: Uuid
  readonly isUpgrade?: boolean
}
