import { isJsonObject, type Json } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { isDatabaseAway } from '../../infra/http/problem-json.ts'
import type { Call, Route } from '../../infra/http/route.ts'
import { maskedProblem } from '../../infra/secrets/mask.ts'
import type { ReleaseDeps } from '../deps.ts'
import { knownOf, shownWith } from '../shown.ts'
import { recentValues } from '../store/queries.ts'

const ofRelease = '/api/v1/helm/releases/:id'
/** What of an outcome is masked already, where it was made. */
const shownAlready = ['operationId', 'release', 'evidence']

/**
 * A route of one release, whose problems never hold what the release's charts mark as secret: also those that some
 * command will throw one day with a text of helm or of the cluster in it.
 */
export function withShownProblems(deps: ReleaseDeps, route: Route): Route {
  if (route.url !== ofRelease && !route.url.startsWith(`${ofRelease}/`)) return route
  return {
    ...route,
    handler: async (call) => {
      try {
        return await route.handler(call)
      } catch (error) {
        throw await shownProblem(deps, call, error)
      }
    },
  }
}

async function shownProblem(deps: ReleaseDeps, call: Call, error: unknown): Promise<unknown> {
  const { id } = (call.params ?? {}) as { readonly id?: Uuid }
  if (!(error instanceof Problem) || id === undefined) return error
  return masked(deps, call, id, error).catch((failure: unknown) => whatIsKnown(error, failure))
}

/** What is secret cannot be read while the database is away, so no text is shown; the operation is there all the same. */
function whatIsKnown({ extra }: Problem, failure: unknown): unknown {
  const operationId = extra.operationId
  if (typeof operationId !== 'string' || !isDatabaseAway(failure)) return failure
  const detail = `The database does not answer; look at operation ${operationId} before you try again`
  return new Problem('unavailable', detail, { extra: { operationId } })
}

async function masked(deps: ReleaseDeps, { body }: Call, id: Uuid, error: Problem): Promise<unknown> {
  const state = await deps.states.load(deps.db, id)
  if (state === null) return error
  const given = isJsonObject(body) && body.valuesOverride !== undefined ? [body.valuesOverride as Json] : []
  const known = knownOf(state)
  const values = [...known.values, ...(await recentValues(deps.db, deps.vault, id)), ...given]
  const { mask } = await shownWith(deps.ports.charts, known.charts, values)
  return maskedProblem(error, mask, shownAlready)
}
