import type { Json } from '../../core/json.ts'
import type { UpgradePath, Verdict } from '../../registry/index.ts'
import { blockersOf } from '../commands/judge-path.ts'
import type { Finding } from '../ports.ts'

/** Pre-check 1: the registry knows the step, and nothing about it blocks. */
export function versionPath(verdict: Verdict<UpgradePath>): Finding {
  const blockers = blockersOf(verdict, 'VERSION_PATH')
  const { warnings } = verdict
  const evidence = { blockers, warnings, path: verdict.path.map(stepOf) } as unknown as Json
  if (blockers.length > 0) return { status: 'FAILED', message: messages(blockers), evidence }
  if (warnings.length > 0) return { status: 'WARNING', message: messages(warnings), evidence }
  return { status: 'PASSED', message: 'The upgrade path is valid', evidence }
}

const stepOf = ({ id, fromVersion, toVersion, upgradeType, riskLevel, tested }: UpgradePath) => ({
  ...{ id, fromVersion, toVersion, upgradeType, riskLevel, tested },
})

/** What was said, in one line. */
export const messages = (all: readonly { readonly message: string }[]): string =>
  all.map(({ message }) => message).join('; ')
