import type { ReleasePorts } from '../releases/index.ts'

/** What releases need of upgrade executions where there are none: nothing is ever claimed or frozen, so nothing asks. */
export const noUpgrades: Pick<ReleasePorts, 'executions' | 'frozenWorkloads'> = {
  executions: { cancelNow: () => notThere() },
  frozenWorkloads: { halt: () => notThere(), restore: () => notThere() },
}

async function notThere(): Promise<never> {
  throw new Error('there are no upgrade executions in this server')
}
