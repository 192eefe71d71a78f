import type { Pod } from '../controllers/model.ts'
import { type EvictionVerdict, evictionOf } from '../controllers/policy/eviction.ts'
import { types } from '../resources/table.ts'
import { type Answer, type Api, type Call, isDryRun, parseBody, type Target } from './call.ts'
import { existing } from './read.ts'
import { readOptions } from './remove.ts'
import { ApiError } from './status.ts'

const SUCCESS = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })

/** POST of `pods/NAME/eviction`: a deletion that the PodDisruptionBudgets are asked about first. @throws ApiError 429. */
export function evictPod(api: Api, call: Call, target: Target): Answer {
  const pod = existing(api, target) as Pod
  const body = call.body.length === 0 ? {} : parseBody(call)
  const options = readOptions({ ...call, body: Buffer.from(JSON.stringify(body.deleteOptions ?? {})) })
  const dryRun = isDryRun(call.query) || options.dryRun === true
  const verdict = evictionOf(api.store, pod, api.now().getTime())
  if (verdict.kind === 'refused') throw refusal(verdict)
  const rehearsed = { ...options, dryRun }
  const { namespace = '', name = '' } = target
  if (verdict.budget !== undefined) api.store.updateStatus(types.poddisruptionbudgets, verdict.budget, { dryRun })
  api.store.delete(types.pods, namespace, name, rehearsed)
  return { status: 201, body: SUCCESS }
}

function refusal({ code, reason, message, causes, retryAfterSeconds }: Extract<EvictionVerdict, { kind: 'refused' }>) {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  return new ApiError(code, reason, message, { causes, ...retry })
}
