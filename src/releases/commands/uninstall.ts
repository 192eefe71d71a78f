import type { Uuid } from '../../core/subject.ts'
import type { NewOperation, Release } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import { command } from './accepting.ts'
import { type CommandCall, visibleRelease } from './context.ts'
import { newOperation } from './new-operation.ts'
import { type OperationOptions, optionsOf } from './options.ts'

/** Accepts an uninstall; `hooks: false` leaves the chart's hooks out, for one that fails every time (docs/adr/0053). Answers the id of its operation. Throws `Problem` and changes nothing then. */
export async function uninstall(
  deps: ReleaseDeps,
  given: CommandCall,
  id: Uuid,
  options: Pick<OperationOptions, 'timeout' | 'hooks'> = {},
): Promise<Uuid> {
  const call: CommandCall = options.hooks === false ? { ...given, action: 'release.uninstall-without-hooks' } : given
  const { release } = await visibleRelease(deps, call.principal, id)
  const operation = bareOperation(deps, call, release, { ...options, description: call.reason ?? undefined })
  return command(deps, call, id, { kind: 'uninstall', operation })
}

/** An operation that deploys nothing: it carries the release's own chart version only to say what it is about. */
export function bareOperation(
  deps: ReleaseDeps,
  call: CommandCall,
  release: Release,
  options: OperationOptions,
): NewOperation {
  return newOperation(deps, call, {
    ...optionsOf(options),
    chartDigest: null,
    chartVersion: release.chartVersion,
    appVersion: release.appVersion,
    values: {},
    targetRevision: null,
    hasHooks: false,
  })
}
