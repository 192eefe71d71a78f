import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The order of test files in a run of several projects: a share of each all the time, the largest first, in place of one
 * project after the other. Unit tests compute and scenarios wait, so that side by side they leave no core idle.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return interleave(Map.groupBy(await super.sort(files), ({ project }) => project.name))
  }
}

/** Lists merged so that each is used up at the same pace, in its own order. */
export function interleave<T>(lists: ReadonlyMap<string, readonly T[]>): T[] {
  const placed = [...lists.values()].flatMap((list) =>
    list.map((item, at) => ({ item, place: (at + 0.5) / list.length })),
  )
  return placed.toSorted((a, b) => a.place - b.place).map(({ item }) => item)
}
