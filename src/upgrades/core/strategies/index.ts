import type { Execution, Strategy } from '../model.ts'
import { blueGreen } from './blue-green.ts'
import { canary } from './canary.ts'
import { recreate } from './recreate.ts'
import { rolling } from './rolling.ts'
import { staged } from './staged.ts'
import type { StrategyRules } from './strategy.ts'

const rules: Readonly<Record<Strategy, StrategyRules>> = {
  ROLLING: rolling,
  CANARY: canary,
  BLUE_GREEN: blueGreen,
  RECREATE: recreate,
  STAGED: staged,
}

/** What the strategy of an execution decides differently. */
export function strategyOf({ spec }: Pick<Execution, 'spec'>): StrategyRules {
  return rules[spec.strategy]
}

/** True while the instances on the target version are a canary or a green set. */
export function isProving(execution: Execution): boolean {
  return strategyOf(execution).proves(execution)
}

/** True when new instances come beside old ones: the strategy wants it, the fleet can, and there is room. */
export function surges(execution: Execution): boolean {
  const { surge, hold } = execution.capabilities
  return strategyOf(execution).surges && surge && hold === 'gate' && (execution.change?.surgeRoom ?? 0) > 0
}
