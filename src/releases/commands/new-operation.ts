import type { NewOperation, OperationRequest } from '../core/model.ts'
import type { ReleaseDeps } from '../deps.ts'
import type { CommandCall } from './context.ts'

/** An operation as its caller asks for it: an id of its own, who asked and why, and all that it needs. */
export function newOperation(
  deps: Pick<ReleaseDeps, 'newId'>,
  { principal, reason }: CommandCall,
  request: Omit<OperationRequest, 'heldBy'>,
): NewOperation {
  return {
    id: deps.newId(),
    parentId: null,
    performedBy: principal.name,
    principalId: principal.id,
    reason,
    request: { ...request, heldBy: null },
  }
}
