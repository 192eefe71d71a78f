import { expect } from 'vitest'
import type { Fleet, Workload } from './fleet.ts'

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
