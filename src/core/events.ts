import type { JsonObject } from './json.ts'

/** What is kept of a change, in the same transaction as the change. Never holds values, Secrets or evidence. */
export type DomainEvent = {
  /** Dotted, past tense: `release.upgrade.started`. */
  readonly type: string
  readonly data: JsonObject
}
