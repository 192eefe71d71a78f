import type { ReleaseAct } from '../core/model.ts'
import type { AwaitedHook, UnfinishedHook } from '../ports.ts'

/** The hooks that an act may run, by what Helm calls their events. */
export const hookEvents: Partial<Record<ReleaseAct['kind'], RegExp>> = {
  install: /\b(?:pre|post)-install\b/,
  upgrade: /\b(?:pre|post)-upgrade\b/,
  rollback: /\b(?:pre|post)-rollback\b/,
  uninstall: /\b(?:pre|post)-delete\b/,
}

/** A hook as callers read it, with those of its events that the act runs: `Job app-migrate (pre-upgrade)`. */
export function nameOfHook({ kind, name, events }: UnfinishedHook, ofAct: RegExp | undefined): string {
  const run = events.filter((event) => ofAct?.test(event) === true)
  return run.length === 0 ? `${kind} ${name}` : `${kind} ${name} (${run.join(' or ')})`
}

/** A hook that helm waits for: with why its pod has not come up, where the cluster says so. */
export function awaitedHook(hook: AwaitedHook, ofAct: RegExp | undefined): string {
  const name = nameOfHook(hook, ofAct)
  return hook.problem === null ? name : `${name}: ${hook.problem}`
}

/** How a hook was left that has not ended well, for callers. */
export const endOfHook = (hook: UnfinishedHook, ofAct: RegExp | undefined): string =>
  `the hook ${nameOfHook(hook, ofAct)} ${hook.failed ? 'has failed' : 'had not ended'}`
