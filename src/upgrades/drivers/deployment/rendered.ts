import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Fields } from '../../store/gate-row.ts'
import { numberOr, omit, within } from '../gate/json.ts'

/** The API server's defaults. */
const DEADLINE_SECONDS = 600
const BOUND = '25%'

type Fill = (sent: Json | undefined, before: Json | undefined) => Json

const filled: Readonly<Record<string, Fill>> = {
  minReadySeconds: (sent) => numberOr(sent, 0),
  progressDeadlineSeconds: (sent) => numberOr(sent, DEADLINE_SECONDS),
  strategy: (sent, before) => strategyOf(within(sent), isJsonObject(sent) ? within(before) : {}),
}

/**
 * The fields as they would be now if what helm sent had been written over what was there `before`: filled in as the API
 * server does, because what it fills in would differ for ever from what is to be put back. Pure.
 */
export function withRendered(now: Fields, before: Fields, sent: Fields): Fields {
  const said = Object.entries(filled).filter(([name]) => name in sent)
  const rendered = said.map(([name, fill]) => [name, fill(sent[name], before[name])] as const)
  const all = { ...now, ...Object.fromEntries(rendered) }
  // No seconds are none to the API server.
  return all.minReadySeconds === 0 ? omit(all, 'minReadySeconds') : all
}

/** What is not sent of it stays as it was; nothing does where it is taken away. */
function strategyOf(sent: JsonObject, before: JsonObject): JsonObject {
  const type = sent.type ?? before.type ?? 'RollingUpdate'
  if (type !== 'RollingUpdate') return { type }
  const bounds = { ...within(before, 'rollingUpdate'), ...within(sent, 'rollingUpdate') }
  const bound = (name: string): Json => bounds[name] ?? BOUND
  return { type, rollingUpdate: { maxSurge: bound('maxSurge'), maxUnavailable: bound('maxUnavailable') } }
}
