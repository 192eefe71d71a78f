import type { Check, Execution, Member } from '../core/model.ts'
import { postCheck } from './finding.ts'

/** Post-check: the health endpoint of every instance answers well; without one readiness has decided. */
export function health(
  { healthEndpoint }: Execution,
  members: readonly Member[],
  probes: Readonly<Record<string, 'good' | 'bad'>>,
): Check {
  if (healthEndpoint === null) {
    const message = 'The component has no health endpoint: readiness decides'
    return { name: 'HEALTH', phase: 'POST', status: 'PASSED', message, evidence: { endpoint: null } }
  }
  const bad = members.filter(({ pod }) => probes[pod.uid] !== 'good')
  const wrong = bad.map(({ pod }) => {
    const how = probes[pod.uid] === 'bad' ? 'does not answer well' : 'has given no answer'
    return `the health endpoint of ${pod.name} ${how}`
  })
  const evidence = { endpoint: { ...healthEndpoint }, asked: members.length, good: members.length - bad.length }
  return postCheck('HEALTH', 'The health endpoint of every instance answers', wrong, evidence)
}
