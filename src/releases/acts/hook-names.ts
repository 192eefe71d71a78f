import type { UnfinishedHook } from '../ports.ts'

/** A hook as callers read it, with those of its events that the act runs: `Job app-migrate (pre-upgrade)`. */
export function nameOfHook({ kind, name, events }: UnfinishedHook, ofAct: RegExp | undefined): string {
  const run = events.filter((event) => ofAct?.test(event) === true)
  return run.length === 0 ? `${kind} ${name}` : `${kind} ${name} (${run.join(' or ')})`
}
