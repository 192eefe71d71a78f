import type { Check, Execution, Member } from '../core/model.ts'
import { versionOf } from '../views.ts'
import { postCheck } from './finding.ts'

/** Post-check: every instance runs the target version. */
export function version(execution: Execution, members: readonly Member[]): Check {
  const others = members.filter(({ side }) => side !== 'target')
  const wrong = others.map((member) => {
    const runs = member.version ?? versionOf(execution, member.side) ?? 'another version'
    return `${member.pod.name} runs ${runs}`
  })
  const evidence = { target: execution.to.version, instances: members.length, onTarget: members.length - others.length }
  return postCheck('VERSION', `Every instance runs ${execution.to.version}`, wrong, evidence)
}
