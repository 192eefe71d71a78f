import type { Check, Member } from '../core/model.ts'
import { postCheck } from './finding.ts'

/** Post-check: every instance is there and ready. */
export function ready(wanted: number, members: readonly Member[]): Check {
  const wrong = members
    .filter((member) => !member.ready)
    .map(({ pod, problem }) => `${pod.name}: ${problem ?? 'not ready'}`)
  const missing = wanted - members.length
  const all = missing > 0 ? [`${missing} of ${wanted} instances are not there`, ...wrong] : wrong
  const evidence = { wanted, ready: members.length - wrong.length }
  return postCheck('READY', 'Every instance is ready', all, evidence)
}
