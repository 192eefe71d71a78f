import type { Stored } from './cluster.ts'
import type { TestNamespace } from './namespace.ts'

type Spec = Readonly<Record<string, unknown>>

/** A pod template; `version` makes it another one. `fault` keeps its pods from becoming ready. */
export function template(app: string, version: string, fault?: 'never-ready'): Spec {
  const image = `registry.invalid/app:${version}${fault === undefined ? '' : `-${fault}`}`
  const annotations = fault === undefined ? {} : { annotations: { 'practice.flotilla.dev/fault': fault } }
  return { metadata: { labels: { app }, ...annotations }, spec: { containers: [{ name: 'main', image }] } }
}

/** The same as a merge patch that also takes a fault away. */
export function healed(app: string, version: string): Spec {
  return { ...template(app, version), metadata: { labels: { app }, annotations: null } }
}

export function deployment(name: string, replicas: number, spec: Spec = {}): object {
  return workload('Deployment', name, { replicas, ...spec })
}

export function statefulSet(name: string, replicas: number, spec: Spec = {}): object {
  return workload('StatefulSet', name, { replicas, serviceName: name, ...spec })
}

export function daemonSet(name: string, spec: Spec = {}): object {
  return workload('DaemonSet', name, spec)
}

/** A Service in front of an app of the same name. */
export function service(name: string, spec: Spec = {}): object {
  const whole = { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: whole }
}

/** A PodDisruptionBudget over an app of the same name. */
export function budget(name: string, spec: Spec): object {
  const whole = { selector: { matchLabels: { app: name } }, ...spec }
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: whole }
}

function workload(kind: string, name: string, spec: Spec): object {
  const selector = { matchLabels: { app: name } }
  return { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { selector, template: template(name, '1'), ...spec } }
}

/** How many live pods of an app run which version. */
export async function versions(namespace: TestNamespace, app: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const pod of await livePods(namespace, app)) counts[versionOf(pod)] = (counts[versionOf(pod)] ?? 0) + 1
  return counts
}

export async function livePods(namespace: TestNamespace, app: string): Promise<readonly Stored[]> {
  const pods = await namespace.list('pods', `app=${app}`)
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

export function versionOf({ spec }: Stored): string {
  const [container] = spec.containers as readonly { readonly image: string }[]
  return container?.image.split(':')[1] ?? ''
}

export function isReady({ status }: Stored): boolean {
  const conditions = (status?.conditions ?? []) as readonly { readonly type: string; readonly status: string }[]
  return conditions.some((each) => each.type === 'Ready' && each.status === 'True')
}

/** Whether all live pods of an app are ready. @throws Error when fewer than `least` are. */
export async function areReady(namespace: TestNamespace, app: string, least = 0): Promise<boolean> {
  const pods = await livePods(namespace, app)
  const ready = pods.filter(isReady).length
  if (ready < least) throw new Error(`${app} has ${ready} ready pods, fewer than ${least}`)
  return ready === pods.length
}

/** The addresses that a Service sends to, with the pods behind them. */
export async function readyBackends(namespace: TestNamespace, service: string): Promise<readonly string[]> {
  type Endpoint = { readonly conditions: { readonly ready?: boolean }; readonly targetRef?: { readonly name: string } }
  const slices = await namespace.list('endpointslices', `kubernetes.io/service-name=${service}`)
  const endpoints = slices.flatMap((slice) => (slice.endpoints ?? []) as readonly Endpoint[])
  return endpoints.filter(({ conditions }) => conditions.ready === true).map(({ targetRef }) => targetRef?.name ?? '')
}
