import { z } from 'zod'
import { queryBoolean, queryText } from '../../infra/http/query.ts'
import { type Call, route } from '../../infra/http/route.ts'
import { type CommandOrder, command } from '../commands/commands.ts'
import { endOfResumed, resume as resumed } from '../commands/resume.ts'
import type { Execution } from '../core/model.ts'
import { executionView } from '../views.ts'
import { commandCall, executionParams, resumeCall, type UpgradeRouteDeps } from './deps.ts'
import { execution, reason } from './schemas.ts'

const gives = { action: 'upgrade.command', scope: 'tenant' } as const
const commandBody = z.strictObject({ reason }).meta({ id: 'UpgradeCommand' })
const responses = { 202: { description: 'The execution as it then is', schema: execution } }
/** A reason may stand in the body, or as in the source document's rollback in the query, which comes first. */
const why = { reason: queryText(500).optional().describe('Why, in place of the body.') }
const shape = { params: executionParams, query: z.strictObject(why), body: commandBody, responses }
const url = (name: string) => `/api/v1/registry/upgrades/:executionId/${name}`

type CommandCalled = Pick<Call, 'principal' | 'idempotency' | 'reply'> & {
  readonly params: z.output<typeof executionParams>
  readonly query: { readonly reason?: string | undefined }
  readonly body: z.output<typeof commandBody>
}

async function give(deps: UpgradeRouteDeps, call: CommandCalled, order: CommandOrder) {
  const given = commandCall(call, reasonOf(call), { status: 202 })
  return answer(call, await command(deps, given, call.params.executionId, order))
}

const reasonOf = ({ query, body }: CommandCalled) => query.reason ?? body.reason

function answer({ reply }: Pick<Call, 'reply'>, execution: Execution) {
  reply.code(202)
  return executionView(execution)
}

export const start = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('start'),
    operationId: 'startUpgrade',
    tags: ['upgrades'],
    summary: 'Start an execution: its releases are claimed, and the pre-checks run',
    permission: gives,
    schema: shape,
    handler: (call) => give(deps, call, { kind: 'start' }),
  })

export const pause = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('pause'),
    operationId: 'pauseUpgrade',
    tags: ['upgrades'],
    summary: 'Pause an execution: instances in flight settle, none is started',
    permission: gives,
    schema: shape,
    handler: (call) => give(deps, call, { kind: 'pause' }),
  })

export const resume = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('resume'),
    operationId: 'resumeUpgrade',
    tags: ['upgrades'],
    summary: 'Go on where an execution was paused; after a batch of STAGED this is the approval',
    permission: gives,
    schema: shape,
    idempotency: { replay: async (call, id) => answer(call, await endOfResumed(deps, call, id)) },
    handler: async (call) => {
      const given = { ...resumeCall(call, reasonOf(call)), signal: call.signal }
      const execution = await resumed(deps, given, call.params.executionId)
      if (execution.ending !== null) call.idempotency.keepNone()
      return answer(call, execution)
    },
  })

export const promote = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('promote-canary'),
    operationId: 'promoteCanary',
    tags: ['upgrades'],
    summary: 'Promote a canary: the remaining instances are upgraded in batches',
    permission: gives,
    schema: shape,
    handler: (call) => give(deps, call, { kind: 'promote' }),
  })

export const rollback = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('rollback'),
    operationId: 'rollbackUpgrade',
    tags: ['upgrades'],
    summary: 'Take every instance that was touched back to the previous version',
    permission: gives,
    schema: shape,
    handler: (call) => give(deps, call, { kind: 'rollback' }),
  })

export const cancel = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: url('cancel'),
    operationId: 'cancelUpgrade',
    tags: ['upgrades'],
    summary: 'Cancel an execution: instances in flight settle first, and a fleet in two versions stays as it is',
    permission: gives,
    schema: {
      ...shape,
      query: z.strictObject({
        ...why,
        immediate: queryBoolean().optional().describe('Do not wait for the instances in flight.'),
      }),
    },
    handler: (call) => give(deps, call, { kind: 'cancel', immediate: call.query.immediate ?? false }),
  })
