import { releasesWith } from '../children.ts'
import { waits } from '../reasons.ts'
import { type Look, type Meanwhile, type Step, soon, wait } from './look.ts'

type Which = 'deploy' | 'undo'

/** Our operations on the releases that helm is at work on, as they are seen. */
function running({ execution, releases }: Look, which: Which) {
  return releasesWith(execution, releases, which, 'running').flatMap((id) => {
    const sight = releases.get(id)?.[which]
    return sight?.kind === 'running' ? sight : []
  })
}

/** What helm is at on one of the releases, in words, such as a hook, and on how many more; null where it has not said. */
function helmAwaits(look: Look, which: Which): string | null {
  const busy = running(look, which)
  const [said] = busy.flatMap(({ awaits }) => awaits ?? [])
  if (said === undefined || busy.length === 1) return said ?? null
  const more = busy.length === 2 ? '1 more release' : `${busy.length - 1} more releases`
  return `${said}; helm is not through with ${more}`
}

/** Helm is waited for, with what it is at. */
export function waitForHelm(look: Look, which: Which): Step {
  return wait(look.execution, waits.helm, soon(look), helmAwaits(look, which) ?? '')
}

/**
 * Helm is not cut off in the middle: with the hooks that it runs it has its time, and is waited for. Null where it is not at
 * work: an order that no worker has begun is withdrawn at once, and has no time yet.
 */
export function helmAtWork(look: Look, which: Which): Meanwhile | null {
  const busy = running(look, which)
  const limits = busy.flatMap(({ until }) => until ?? [])
  if (limits.length === 0) return null
  const whose = busy.length === 1 ? '' : ` on ${busy.length} releases`
  const what = helmAwaits(look, which) ?? `helm is still at work${whose}, with its hooks`
  return { until: Math.max(...limits), detail: `${what}: it ends by itself, or then` }
}
