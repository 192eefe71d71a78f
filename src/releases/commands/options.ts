import type { OperationRequest } from '../core/model.ts'

/** The options that a body may leave out, with the defaults of SPEC section 3. */
export type OperationOptions = {
  readonly description?: string | undefined
  readonly timeout?: number | undefined
  readonly atomic?: boolean | undefined
  readonly wait?: boolean | undefined
  readonly waitForJobs?: boolean | undefined
  readonly forceConflicts?: boolean | undefined
  /** No body says it: the command does. */
  readonly keepsScale?: boolean | undefined
  /** Of an uninstall or a rollback: false leaves the chart's hooks out. */
  readonly hooks?: boolean | undefined
}

export const defaultTimeoutSeconds = 300

export function optionsOf(options: OperationOptions) {
  return {
    description: options.description ?? null,
    timeoutSeconds: options.timeout ?? defaultTimeoutSeconds,
    atomic: options.atomic ?? false,
    wait: options.wait ?? true,
    waitForJobs: options.waitForJobs ?? false,
    forceConflicts: options.forceConflicts ?? false,
    ...(options.keepsScale === true ? { keepsScale: true } : {}),
    ...(options.hooks === false ? { noHooks: true } : {}),
  } satisfies Partial<OperationRequest>
}
