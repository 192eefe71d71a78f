/**
 * What infra says to the operator: one line with fields. A pino logger fits. Never give it values or credentials; an
 * error is given whole, as `err`.
 */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. For tests and for tools that print for themselves. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** How the log writes its fields. Every logger must be made with these. */
export const serializers = { err: loggedError }

/** What the log keeps of an error. Libraries hang whole rows, requests and configurations on theirs: those stay out. */
function loggedError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error ? String(error.code) : undefined
  return { type: error.name, message: error.message, code, stack: error.stack }
}
