import { podController } from '../pods/controller.ts'
import { nodeController } from '../pods/node-controller.ts'
import { defaultPodSettings } from '../pods/settings.ts'
import type { Store } from '../store/types.ts'
import { daemonSetController } from './daemon-set/controller.ts'
import { roleAggregation } from './defaults/aggregation.ts'
import { bootstrap } from './defaults/bootstrap.ts'
import { claimBinder, namespaceDefaults } from './defaults/controllers.ts'
import { definitionController } from './defaults/definitions.ts'
import { deploymentController } from './deployment/controller.ts'
import { jobController } from './job/controller.ts'
import { budgetController, quotaController } from './policy/controllers.ts'
import { replicaSetController } from './replica-set/controller.ts'
import { type Clock, systemClock } from './runtime/clock.ts'
import { type Log, Manager } from './runtime/manager.ts'
import { serviceController } from './service/controller.ts'
import { statefulSetController } from './stateful-set/controller.ts'

export type ControllerOptions = {
  readonly clock?: Clock
  /** From the start of its containers until a pod is Ready; 300 when not given. */
  readonly podReadyMs?: number | undefined
  /** How long a deleted pod takes to stop at most; 200 when not given. */
  readonly podTerminateMs?: number | undefined
  /** The first delay before a crashed container starts again; 10,000 when not given, as a kubelet has it. */
  readonly crashBackoffMs?: number | undefined
  /** What `kube-root-ca.crt` holds in each namespace. */
  readonly rootCertificate?: string | undefined
  readonly log?: Log
}

/**
 * Starts the controllers, the scheduler and the kubelets of a practice cluster on a store. Namespaces and nodes are
 * there when it returns; all else happens in later turns. The caller stops it before it closes the store.
 */
export function startControllers(store: Store, options: ControllerOptions = {}): { stop(): void } {
  const { clock = systemClock, log = console.error, podReadyMs, podTerminateMs, crashBackoffMs } = options
  const settings = {
    readyMs: podReadyMs ?? defaultPodSettings.readyMs,
    terminateMs: podTerminateMs ?? defaultPodSettings.terminateMs,
    crashBackoffMs: crashBackoffMs ?? defaultPodSettings.crashBackoffMs,
  }
  const now = () => clock.now()
  bootstrap(store, now())
  const controllers = [
    namespaceDefaults(options.rootCertificate ?? ''),
    definitionController,
    roleAggregation,
    nodeController,
    podController(settings, now),
    deploymentController,
    replicaSetController,
    statefulSetController,
    daemonSetController,
    jobController,
    serviceController,
    claimBinder,
    budgetController,
    quotaController,
  ]
  const manager = new Manager(store, clock, controllers, log)
  return { stop: () => manager.stop() }
}

export { type LogLine, type LogOptions, readLog } from '../pods/log.ts'
export { type EvictionVerdict, evictionOf } from './policy/eviction.ts'
export { admissionFor } from './policy/quota.ts'
export type { Clock } from './runtime/clock.ts'
