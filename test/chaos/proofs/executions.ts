import type { EventRow, ExecutionRow, GateRow, OperationRow, ReleaseRow } from '../database-reader.ts'

export type ExecutionsSeen = {
  readonly executions: readonly ExecutionRow[]
  readonly events: readonly EventRow[]
  readonly operations: readonly OperationRow[]
  readonly releases: readonly ReleaseRow[]
  readonly gates: readonly GateRow[]
  readonly accepted: ReadonlyMap<string, string>
}

/** The steps of `seeds/004` with those that SPEC section 5 adds, written down once more. */
const steps: Readonly<Record<string, readonly string[]>> = {
  PENDING: ['VALIDATING', 'CANCELLED'],
  VALIDATING: ['IN_PROGRESS', 'CANARY_RUNNING', 'FAILED', 'CANCELLED'],
  IN_PROGRESS: ['PAUSED', 'COMPLETED', 'FAILED', 'ROLLING_BACK', 'CANCELLED'],
  CANARY_RUNNING: ['CANARY_MONITORING', 'PAUSED', 'FAILED', 'CANCELLED'],
  CANARY_MONITORING: ['IN_PROGRESS', 'ROLLING_BACK', 'CANCELLED', 'FAILED'],
  PAUSED: ['IN_PROGRESS', 'CANARY_RUNNING', 'CANCELLED', 'FAILED'],
  ROLLING_BACK: ['ROLLED_BACK', 'FAILED', 'CANCELLED'],
}
const ends = new Set(['ROLLED_BACK', 'COMPLETED', 'FAILED', 'CANCELLED'])

/** Every accepted execution ended once, told its whole way, moved nothing twice, and let everything go. */
export function proveExecutions(seen: ExecutionsSeen): readonly string[] {
  const { executions, accepted, gates, releases } = seen
  const known = new Set(executions.map(({ id }) => id))
  const events = Map.groupBy(
    seen.events.filter(({ subject_kind }) => subject_kind === 'execution'),
    ({ subject_id }) => subject_id,
  )
  return [
    ...[...accepted].filter(([id]) => !known.has(id)).map(([id, what]) => `${what}: accepted ${id} is lost`),
    ...executions.flatMap((execution) =>
      [
        ...proveEnd(execution, accepted),
        ...proveStory(execution, events.get(execution.id) ?? []),
        ...proveOnce(execution, seen.operations),
      ].map((what) => `execution ${execution.id} (${execution.strategy}, ${execution.status}) ${what}`),
    ),
    ...proveLetGo(releases, gates),
  ]
}

function proveEnd({ id, status, ended_at }: ExecutionRow, accepted: ReadonlyMap<string, string>): readonly string[] {
  return [
    ...(ends.has(status) && ended_at !== null ? [] : ['never ended']),
    ...(accepted.has(id) ? [] : ['was never asked for']),
  ]
}

/** Created first, each step from where the one before led, all in the table, as the execution itself records them. */
function proveStory({ status, seq, transitions }: ExecutionRow, events: readonly EventRow[]): readonly string[] {
  const told = events.filter(({ type }) => type === 'execution.status-changed')
  const stepOf = (from: string | null, to: string | null) => `${from} to ${to}`
  const toldSteps = told.map((event) => stepOf(event.from, event.status))
  const recorded = transitions.map(({ from, to }) => stepOf(from, to))
  return [
    ...(events[0]?.type === 'execution.created' ? [] : ['does not begin with its creation']),
    ...(Number(seq) === events.length ? [] : [`counts ${seq} events and has ${events.length}`]),
    ...(toldSteps.join() === recorded.join() ? [] : [`tells ${toldSteps}, and records ${recorded}`]),
    ...proveChain('PENDING', told, status),
    ...told
      .filter(({ from, status: to }) => !steps[from ?? '']?.includes(to ?? ''))
      .map(({ seq, from, status: to }) => `event ${seq} goes from ${from} to ${to}, which is in no table`),
    ...[...Map.groupBy(events, ({ instance }) => instance)].flatMap(([instance, its]) =>
      instance === null ? [] : proveInstance(instance, its),
    ),
  ]
}

/** Each event begins where the one before ended, and the last one at what is there now. */
function proveChain(first: string, told: readonly EventRow[], now: string): readonly string[] {
  const wrong: string[] = []
  let at: string | null = first
  for (const { seq, from, status } of told) {
    if (from !== at) wrong.push(`event ${seq} begins at ${from}, and it was ${at}`)
    at = status
  }
  return at === now ? wrong : [...wrong, `is ${now}, and its events end at ${at}`]
}

function proveInstance(instance: string, told: readonly EventRow[]): readonly string[] {
  const changes = told.filter(({ type }) => type === 'execution.instance-changed')
  const [first, ...others] = changes
  const last = changes.at(-1)?.status ?? ''
  const wrong = proveChain(first?.status ?? '', others, last)
  const completed = changes.filter(({ from, status }) => status === 'COMPLETED' && from !== 'COMPLETED').length
  return [...wrong, ...(completed <= 1 ? [] : [`completes ${completed} times`])].map((what) => `${instance}: ${what}`)
}

/** An instance loses its pod once on the way forward and once on the way back; a release gets one upgrade and one undo. */
function proveOnce({ id, lost, claims, transitions, hold }: ExecutionRow, all: readonly OperationRow[]) {
  const turned = transitions.some(({ to }) => to === 'ROLLING_BACK')
  const most = turned ? 2 : 1
  const given = all.filter(({ execution_id }) => execution_id === id)
  const tooMany =
    hold === 'each' ? [] : lost.flatMap((n, index) => (n > most ? [`lost ${n} pods of instance ${index}`] : []))
  const twice = claims.flatMap(({ releaseId }) =>
    Object.entries(Object.groupBy(given, ({ release_id, kind }) => (release_id === releaseId ? kind : 'other')))
      .filter(([kind, operations]) => kind !== 'other' && (operations?.length ?? 0) > 1)
      .map(([kind, operations]) => `gave ${operations?.length} of ${kind} to ${releaseId}`),
  )
  return [...tooMany, ...twice]
}

/** Nothing is claimed any more, and what is still held belongs to a frozen release. */
function proveLetGo(releases: readonly ReleaseRow[], gates: readonly GateRow[]): readonly string[] {
  const frozen = new Set(releases.flatMap(({ id, frozen }) => (frozen ? id : [])))
  return [
    ...releases
      .filter(({ claimed_by_execution }) => claimed_by_execution !== null)
      .map(({ id, claimed_by_execution }) => `release ${id} is still claimed by ${claimed_by_execution}`),
    ...gates
      .filter(({ release_id }) => !frozen.has(release_id))
      .map(
        ({ namespace, name, position, execution_id }) =>
          `${namespace}/${name} has a gate (${position}) of ${execution_id}, and is not frozen`,
      ),
  ]
}
