import type { Clock } from '../core/instant.ts'
import { remember, remembered } from '../infra/database/installation.ts'
import type { Db } from '../infra/database/types.ts'
import type { SampleMemory } from '../samples/install-fleet.ts'

const name = 'sample-fleet'

/** What the database remembers of the sample fleet. */
export function sampleMemory(db: Db, clock: Clock): SampleMemory {
  return {
    read: async () => {
      const stage = await remembered(db, name)
      return stage === 'begun' || stage === 'done' ? stage : null
    },
    write: (stage) => remember(db, name, stage, clock.now()),
  }
}
