import type { ReleaseAct } from '../core/model.ts'
import type { UnfinishedHook } from '../ports.ts'

/** The hooks that an act may run, by what Helm calls their events. */
export const hookEvents: Partial<Record<ReleaseAct['kind'], RegExp>> = {
  install: /\b(?:pre|post)-install\b/,
  upgrade: /\b(?:pre|post)-upgrade\b/,
  rollback: /\b(?:pre|post)-rollback\b/,
  uninstall: /\b(?:pre|post)-delete\b/,
}

type Named = Pick<UnfinishedHook, 'kind' | 'name' | 'events'>

/** A hook as callers read it, with those of its events that the act runs: `Job app-migrate (pre-upgrade)`. */
export function nameOfHook({ kind, name, events }: Named, ofAct: RegExp | undefined): string {
  const run = events.filter((event) => ofAct?.test(event) === true)
  return run.length === 0 ? `${kind} ${name}` : `${kind} ${name} (${run.join(' or ')})`
}

/** A hook that helm waits for: with why its pod has not come up, where the cluster says so. */
export const awaitedHook = (hook: UnfinishedHook, ofAct: RegExp | undefined): string =>
  `${nameOfHook(hook, ofAct)}${because(hook)}`

/** How a hook was left that has not ended well, for callers. */
export const endOfHook = (hook: UnfinishedHook, ofAct: RegExp | undefined): string =>
  `the hook ${nameOfHook(hook, ofAct)} ${hook.failed ? 'has failed' : `had not ended${because(hook)}`}`

const because = ({ problem }: UnfinishedHook): string => (problem === null ? '' : `: ${problem}`)
