import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { type Mask, maskOf } from '../infra/secrets/mask.ts'
import type { ReleaseState } from './core/model.ts'
import type { Charts } from './ports.ts'
import { redactManifests } from './redact.ts'

type Schemas = Pick<Charts, 'redact' | 'secrets'>

/** The charts that a release has had, by their digests: what one of them marks as secret stays so. */
export type KnownCharts = readonly (string | null)[]

/**
 * How a release is shown (SPEC section 1): the one door for every text that is made of its values. What its charts mark
 * as secret is `***` in its place and wherever else its text stands; values of Secrets and environments are as well.
 */
export class Shown {
  readonly #schemas: Schemas
  readonly #charts: KnownCharts
  readonly mask: Mask

  constructor(schemas: Schemas, charts: KnownCharts, mask: Mask) {
    this.#schemas = schemas
    this.#charts = charts
    this.mask = mask
  }

  /** Without any chart nothing but the shape is shown. */
  async values(values: Json): Promise<JsonObject> {
    let shown = isJsonObject(values) ? values : {}
    for (const digest of this.#charts) shown = await this.#schemas.redact(digest, shown)
    return this.mask(shown)
  }

  /** Manifests that are shown together: a Secret of one is one in all of them. */
  manifests(manifests: readonly string[]): readonly string[] {
    return redactManifests(manifests, this.mask)
  }
}

/** The charts that say what is secret, each once; `null`, which hides everything, where none is known. */
export function schemasOf(charts: KnownCharts): KnownCharts {
  const known = [...new Set(charts.filter((digest) => digest !== null))]
  return known.length === 0 ? [null] : known
}

/** How a release with these charts and these values, old and new ones, is shown. */
export async function shownWith(schemas: Schemas, charts: KnownCharts, values: readonly Json[]): Promise<Shown> {
  const asked = schemasOf(charts)
  const texts: string[] = []
  for (const digest of asked) {
    for (const each of values) if (isJsonObject(each)) texts.push(...(await schemas.secrets(digest, each)))
  }
  return new Shown(schemas, asked, maskOf(texts))
}

/** The charts and the values that a release's state knows of. */
export function knownOf({ release, operation, revisions }: ReleaseState) {
  const charts = [...revisions.map(({ chartDigest }) => chartDigest), operation?.request.chartDigest ?? null]
  return { charts, values: [release.values, ...(operation === null ? [] : [operation.request.values])] }
}
