import { isDeepStrictEqual } from 'node:util'
import { eventually, stays, type TestNamespace } from './namespace.ts'
import { areReady, deployment, isReady, livePods, template, versionOf, versions } from './workloads.ts'

/** How many pods run which version. */
export type Versions = Readonly<Record<string, number>>

const NEVER = 2_000_000_000
const NO_DEADLINE = 2_147_483_647

/** The patch that opens a gate: new pods become Ready and never available, so the controller stops by itself. */
export const gate = (maxUnavailable: number, maxSurge: number | string = 0) => ({
  spec: {
    minReadySeconds: NEVER,
    progressDeadlineSeconds: NO_DEADLINE,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    paused: false,
  },
})

/** What a gate changes, as the API server would fill it in. */
export const originals = {
  minReadySeconds: 0,
  progressDeadlineSeconds: 600,
  strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
}

/** Waits until so many pods run these versions, all of them ready; never with fewer ready pods than `least`. */
export async function reached(namespace: TestNamespace, app: string, wanted: Versions, least = 0): Promise<void> {
  const read = async () => ({ versions: await versions(namespace, app), ready: await areReady(namespace, app, least) })
  await eventually(
    `${app} is ${JSON.stringify(wanted)}`,
    read,
    (seen) => seen.ready && isDeepStrictEqual(seen.versions, wanted),
  )
}

/** Watches for a while that the versions stay as they are. */
export const holds = (namespace: TestNamespace, app: string, wanted: Versions) =>
  stays(
    `${app} is ${JSON.stringify(wanted)}`,
    () => versions(namespace, app),
    (seen) => isDeepStrictEqual(seen, wanted),
  )

/** A Deployment that is paused with a changed template, as `helm upgrade` under pause leaves it. */
export async function pausedUpgrade(namespace: TestNamespace, app: string, replicas: number): Promise<void> {
  await namespace.create('deployments', deployment(app, replicas))
  await reached(namespace, app, { 1: replicas })
  await namespace.patch('deployments', app, { spec: { paused: true } })
  await namespace.patch('deployments', app, { spec: { template: template(app, '2') } })
}

/** Waits until the status of an object shows these fields, at its present generation. */
export function shows(namespace: TestNamespace, plural: string, name: string, wanted: object) {
  return eventually(
    `${name} shows ${JSON.stringify(wanted)}`,
    () => namespace.get(plural, name),
    ({ status, metadata }) =>
      status?.observedGeneration === metadata.generation &&
      Object.entries(wanted).every(([field, value]) => isDeepStrictEqual(status?.[field] ?? 0, value)),
  )
}

/** Removes a pod and waits until as many live ones are there again, without it. */
export async function replaced(namespace: TestNamespace, app: string, name: string): Promise<void> {
  const before = await livePods(namespace, app)
  const uid = before.find(({ metadata }) => metadata.name === name)?.metadata.uid
  await namespace.remove('pods', name)
  const isBack = (uids: readonly string[]) => uids.length === before.length && !uids.includes(uid ?? '')
  await eventually(`another pod for ${name}`, async () => uidsOf(await livePods(namespace, app)), isBack)
}

/** The pods of an app in one version, only ready ones. */
export async function podsOf(namespace: TestNamespace, app: string, version: string) {
  return (await livePods(namespace, app)).filter((pod) => isReady(pod) && versionOf(pod) === version)
}

/** The uids of objects. */
export const uidsOf = (objects: readonly { readonly metadata: { readonly uid: string } }[]): readonly string[] =>
  objects.map(({ metadata }) => metadata.uid)

/** The names of objects. */
export const namesOf = (objects: readonly { readonly metadata: { readonly name: string } }[]): readonly string[] =>
  objects.map(({ metadata }) => metadata.name)
