/** What infra says to the operator: one line with fields. A pino logger fits. Never give it values or credentials. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. For tests and for tools that print for themselves. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
