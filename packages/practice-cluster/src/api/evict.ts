import { withCondition } from '../controllers/conditions.ts'
import type { Pod } from '../controllers/model.ts'
import { type EvictionVerdict, evictionOf } from '../controllers/policy/eviction.ts'
import { types } from '../resources/table.ts'
import type { DeleteOptions } from '../store/types.ts'
import { type Answer, type Api, type Call, isDryRun, parseBody, type Target } from './call.ts'
import { existing } from './read.ts'
import { readOptions, removeObject } from './remove.ts'
import { ApiError, badRequest } from './status.ts'

const SUCCESS = JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })

/**
 * POST of `pods/NAME/eviction`: a deletion that the PodDisruptionBudgets are asked about first. As on a real server the
 * budget is spent before the preconditions of the deletion are looked at.
 * @throws ApiError 429 when a budget refuses, 409 when a precondition does not hold.
 */
export function evictPod(api: Api, call: Call, target: Target): Answer {
  const pod = existing(api, target) as Pod
  const options = evictionOptions(call, pod)
  const { dryRun = false } = options
  const verdict = evictionOf(api.store, pod, api.now().getTime())
  if (verdict.kind === 'refused') throw refusal(verdict)
  if (verdict.budget !== undefined) api.store.updateStatus(types.poddisruptionbudgets, verdict.budget, { dryRun })
  const { namespace = '', name = '' } = target
  // A first rehearsal, so that a pod that stays because of a precondition is not marked as a target.
  removeObject(api, target, namespace, name, { ...options, dryRun: true })
  if (!dryRun) api.store.updateStatus(types.pods, targeted(pod, api.now().getTime()))
  removeObject(api, target, namespace, name, withoutVersion(options))
  return { status: 201, body: SUCCESS }
}

/** @throws ApiError 400 when the eviction names another pod. */
function evictionOptions(call: Call, pod: Pod): DeleteOptions {
  const body = call.body.length === 0 ? {} : parseBody(call)
  const { name = pod.metadata.name } = (body.metadata ?? {}) as { name?: string }
  if (name !== pod.metadata.name) throw badRequest('name in URL does not match name in Eviction object')
  const options = readOptions({ ...call, body: Buffer.from(JSON.stringify(body.deleteOptions ?? {})) })
  return { ...options, dryRun: isDryRun(call.query) || options.dryRun === true }
}

function targeted(pod: Pod, now: number): Pod {
  const reason = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
  const conditions = withCondition(pod.status?.conditions, { type: 'DisruptionTarget', status: 'True', ...reason }, now)
  return { ...pod, status: { ...pod.status, conditions } }
}

/** Marking the pod has given it another version than the one that the caller knew. */
function withoutVersion(options: DeleteOptions): DeleteOptions {
  return { ...options, preconditions: { uid: options.preconditions?.uid } }
}

function refusal({ code, reason, message, causes, retryAfterSeconds }: Extract<EvictionVerdict, { kind: 'refused' }>) {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  return new ApiError(code, reason, message, { causes, ...retry })
}
