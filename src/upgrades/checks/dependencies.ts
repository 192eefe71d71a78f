import type { Json } from '../../core/json.ts'
import type { UpgradePath, Verdict } from '../../registry/index.ts'
import { blockersOf } from '../commands/judge-path.ts'
import type { Finding } from '../ports.ts'
import { messages } from './version-path.ts'

/** Pre-check 5: what the target needs is there, in a version that it takes. */
export function dependencies(verdict: Verdict<UpgradePath>): Finding {
  const blockers = blockersOf(verdict, 'DEPENDENCIES')
  const evidence = { blockers } as unknown as Json
  if (blockers.length > 0) return { status: 'FAILED', message: messages(blockers), evidence }
  return { status: 'PASSED', message: 'Every dependency of the target version is met', evidence }
}
