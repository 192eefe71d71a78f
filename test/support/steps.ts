import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Decision, Input } from '../../src/core/decision.ts'
import type { Instant } from '../../src/core/instant.ts'
import type { Uuid } from '../../src/core/subject.ts'
import type { Db, Tx } from '../../src/infra/database/types.ts'
import type { ActContext, Change, Machine } from '../../src/infra/engine/types.ts'

/**
 * The smallest machine that has all that the engine cares for: a list of steps to be carried out one after another in
 * a world outside of the database.
 */
export type Steps = {
  readonly id: Uuid
  readonly todo: readonly string[]
  readonly done: readonly string[]
  readonly cancelled: boolean
  readonly results: readonly string[]
  readonly version: number
}
export type StepCommand = { readonly kind: 'add'; readonly step: string } | { readonly kind: 'cancel' }
export type StepAct = { readonly kind: 'step'; readonly step: string }
export type World = Map<Uuid, string[]>
export type CarryOut = (act: StepAct, context: ActContext) => Promise<void>
export type StepMachine = Machine<Steps, StepCommand, readonly string[], StepAct>

/** Adds a step's name to the world, once: what an idempotent act does. */
export function applyStep(world: World, id: Uuid, step: string): void {
  const applied = world.get(id) ?? []
  if (!applied.includes(step)) world.set(id, [...applied, step])
}

export function stepMachine(world: World, carryOut?: CarryOut): StepMachine {
  const apply: CarryOut = async (act, { lease }) => applyStep(world, lease.subject.id, act.step)
  return {
    kind: 'release',
    decide: decideStep,
    acts: { step: carryOut ?? apply },
    load,
    save,
    observe: async (state) => [...(world.get(state.id) ?? [])],
    mustAbort: (state) => state.cancelled,
  }
}

/** The same machine, whose decisions on several subjects are written together. */
export function together(machine: StepMachine): StepMachine {
  return { ...machine, saving: { covers: () => true, statement: savingSteps } }
}

function savingSteps(changes: readonly Change<Steps>[]) {
  const changed = changes.map(({ before: { id, version }, after: { todo, done, cancelled, results } }) => ({
    ...{ id, version, state: { todo, done, cancelled, results } },
  }))
  return sql`free as materialized (
      select changed.* from jsonb_to_recordset(${JSON.stringify(changed)}::jsonb) as changed(
        id uuid, version int, state jsonb)
      join held on held.subject_id = changed.id
      join steps s on s.id = changed.id and s.version = changed.version
      for no key update of s skip locked),
    saved as (
      update steps s set state = free.state, version = s.version + 1 from free where s.id = free.id
      returning s.id as subject_id, null::uuid as tenant_id, 0::bigint as seq)`
}

function decideStep(
  state: Steps,
  input: Input<StepCommand, readonly string[], StepAct>,
  now: Instant,
): Decision<Steps, StepAct> {
  if (input.kind === 'command') return decideCommand(state, input.command)
  const done = state.todo.filter((step) => input.observation.includes(step))
  const [next] = state.todo.filter((step) => !done.includes(step))
  const ended =
    input.attempt === null ? state.results : keep(state.results, `${input.attempt.seq}:${input.attempt.result}`)
  const changed = done.length > state.done.length || ended !== state.results
  const act = next === undefined || state.cancelled ? null : { kind: 'step' as const, step: next }
  return {
    kind: 'next',
    state: changed ? { ...state, done, results: ended } : state,
    act: act === null ? null : { act, baseline: {}, deadline: now + 60_000 },
    events: [],
    wake: null,
  }
}

function decideCommand(state: Steps, command: StepCommand): Decision<Steps, StepAct> {
  if (state.cancelled) return { kind: 'rejected', code: 'conflict', detail: 'cancelled already' }
  const after =
    command.kind === 'cancel' ? { ...state, cancelled: true } : { ...state, todo: [...state.todo, command.step] }
  return { kind: 'next', state: after, act: null, events: [], wake: null }
}

function keep(results: readonly string[], result: string): readonly string[] {
  return results.includes(result) ? results : [...results, result]
}

/** Makes the table of the machine. */
export async function createSteps(db: Db): Promise<void> {
  await sql`create table steps (id uuid primary key, state jsonb not null, version int not null)`.execute(db)
}

/** A subject with steps to do, not yet woken. */
export async function insertSteps(db: Db, todo: readonly string[]): Promise<Uuid> {
  const id = randomUUID()
  const state = JSON.stringify({ todo, done: [], cancelled: false, results: [] })
  await sql`insert into steps values (${id}, ${state}::jsonb, 1)`.execute(db)
  return id
}

/** The state of a subject as it is stored. */
export async function readSteps(db: Db, id: Uuid): Promise<Steps> {
  const found = await readRow(db, id, false)
  if (found === null) throw new Error(`no steps ${id}`)
  return found
}

const load = (db: Db, id: Uuid, { lock = false } = {}): Promise<Steps | null> => readRow(db, id, lock)

async function readRow(db: Db, id: Uuid, lock: boolean): Promise<Steps | null> {
  const { rows } = await sql<{ state: Omit<Steps, 'id' | 'version'>; version: number }>`
    select state, version from steps where id = ${id} ${sql.raw(lock ? 'for update' : '')}`.execute(db)
  return rows[0] === undefined ? null : { ...rows[0].state, id, version: rows[0].version }
}

async function save(tx: Tx, { before, after }: Change<Steps>): Promise<void> {
  const { todo, done, cancelled, results } = after
  const { numAffectedRows } = await sql`
    update steps set state = ${JSON.stringify({ todo, done, cancelled, results })}::jsonb, version = version + 1
    where id = ${before.id} and version = ${before.version}`.execute(tx)
  if (numAffectedRows !== 1n) throw new Error('the version has moved')
}
