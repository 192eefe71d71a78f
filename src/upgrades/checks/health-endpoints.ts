import type { Execution, FleetSight } from '../core/model.ts'
import type { Finding } from '../ports.ts'

/** Pre-check 4: health endpoints answer now, before anything is touched. Made of a look that asked every instance. */
export function healthEndpoints({ healthEndpoint }: Pick<Execution, 'healthEndpoint'>, fleet: FleetSight): Finding {
  if (healthEndpoint === null) {
    const message = 'The component has no health endpoint: readiness decides'
    return { status: 'PASSED', message, evidence: { endpoint: null } }
  }
  const answers = fleet.kind === 'gone' ? [] : Object.values(fleet.probes)
  const good = answers.filter((answer) => answer === 'good').length
  const evidence = { endpoint: { ...healthEndpoint }, asked: answers.length, good }
  const where = `${healthEndpoint.path} on port ${healthEndpoint.port}`
  if (good === 0) return { status: 'FAILED', message: `No instance answers ${where}`, evidence }
  const all = good === answers.length
  const message = all ? `Every instance answers ${where}` : `${good} of ${answers.length} instances answer ${where}`
  return { status: all ? 'PASSED' : 'WARNING', message, evidence }
}
