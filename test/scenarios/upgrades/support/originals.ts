import { expect } from 'vitest'
import type { Fleet, Kind, Workload } from './fleet.ts'

/** What a workload and its Service say besides the version that they run. */
export type OriginalFields = { readonly workload: object; readonly service: object | null }

/** Remembers it: read it before the execution begins. */
export async function originalsOf(fleet: Fleet): Promise<OriginalFields> {
  const { template: _, ...workload } = (await fleet.workload()).spec
  return { workload, service: (await fleet.service())?.spec ?? null }
}

/** Everything is as it was but the version: fields, annotations, and who owns which field. */
export async function expectNothingOfOurs(fleet: Fleet, before: OriginalFields): Promise<void> {
  expect(await originalsOf(fleet)).toEqual(before)
  const service = await fleet.service()
  for (const object of [await fleet.workload(), ...(service === null ? [] : [service])]) expectUnmarked(object)
}

export function expectUnmarked({ metadata }: Workload): void {
  expect(Object.keys(metadata.annotations ?? {}).filter((name) => name.includes('flotilla'))).toEqual([])
  const managers = (metadata.managedFields ?? []).map(({ manager }) => manager)
  expect(managers.filter((manager) => manager?.includes('flotilla'))).toEqual([])
}

/** Fields of the spec that gates change, as another version of a chart may want them. */
const otherFields: Readonly<Record<Kind, object>> = {
  Deployment: { minReadySeconds: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2 } } },
  StatefulSet: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
  DaemonSet: { updateStrategy: { type: 'OnDelete' } },
}

/** A person's helm meets no conflict on the fields that were held. */
export async function expectHelmGoesOn({ world, kind, namespace }: Fleet): Promise<void> {
  const values = world.hand.values({ spec: otherFields[kind] })
  const chart = `${world.charts}/fleet/1.2.0`
  await world.hand.helm('upgrade', 'app', chart, '-n', namespace, '--reuse-values', '-f', values)
}
