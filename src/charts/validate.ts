import { createHash } from 'node:crypto'
import type { JsonObject } from '../core/json.ts'
import { Lru } from '../core/lru.ts'
import { maskedRefusal, maskOf } from '../infra/secrets/mask.ts'
import { type ForeignObject, foreignObjects, type Granted, refuseForeign } from './core/confine.ts'
import { refuseNameless } from './core/named.ts'
import { checkValues } from './core/values.ts'
import type { ReleaseTarget, Render, ResolvedChart } from './types.ts'

export type ValidationParts = {
  readonly render: Render
  readonly archive: (digest: string) => Promise<Buffer>
  /** What a platform admin lets a chart reach outside of its namespace, by its digest. */
  readonly granted: (digest: string) => Promise<Granted>
  /** The texts that a chart marks as secret in these values. */
  readonly secrets: (digest: string, values: JsonObject) => Promise<readonly string[]>
}

/** Checks a chart with values before helm touches the cluster. Throws `Problem` with the code of what is wrong. */
export type Validate = (chart: ResolvedChart, target: ReleaseTarget, values: JsonObject) => Promise<void>

const remembered = 5_000

/**
 * Makes the check: the values keep their limits, the chart renders with them and they fit its schema, all that it
 * renders has a name, and nothing of it lies outside of the release's namespace. A success is remembered, so that a batch renders each case once;
 * what is granted is asked every time.
 */
export function validator({ render, archive, granted, secrets }: ValidationParts): Validate {
  const known = new Lru<readonly ForeignObject[]>(remembered)

  async function foreignOf(chart: ResolvedChart, target: ReleaseTarget, values: JsonObject) {
    const key = keyOf(chart, target, values)
    const before = known.get(key)
    if (before !== undefined) return before
    const rendered = await render({ archive: await archive(chart.digest), release: target, values })
    refuseNameless(rendered)
    const objects = rendered.map(({ object }) => object)
    const foreign = foreignObjects(objects, target.namespace)
    known.set(key, foreign)
    return foreign
  }

  async function check(chart: ResolvedChart, target: ReleaseTarget, values: JsonObject): Promise<void> {
    const foreign = await foreignOf(chart, target, values)
    if (foreign.length > 0)
      refuseForeign(foreign, { digest: chart.digest, namespace: target.namespace }, await granted(chart.digest))
  }

  return async (chart, target, values) => {
    checkValues(values)
    try {
      await check(chart, target, values)
    } catch (error) {
      // Helm's text, and the names of objects, may hold what the chart marks as secret.
      throw maskedRefusal(error, maskOf(await secrets(chart.digest, values)), ['chartDigest'])
    }
  }
}

function keyOf({ digest }: ResolvedChart, { name, namespace, isUpgrade }: ReleaseTarget, values: JsonObject): string {
  const parts = [digest, name, namespace, isUpgrade ?? false, values]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
