import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Uuid } from '../../../src/core/subject.ts'
import type { Batch } from '../../../src/releases/batch/core.ts'
import { insertBatch, reasonToSkip } from '../../../src/releases/batch/store.ts'
import { batchResult } from '../../../src/releases/commands/batch-result.ts'
import { needingUpgrade } from '../../../src/releases/commands/batch-upgrade.ts'
import { cancelOperation, readOperation } from '../../../src/releases/commands/operations.ts'
import { previewBatch } from '../../../src/releases/commands/preview-batch.ts'
import { readHistory } from '../../../src/releases/commands/reads.ts'
import { recover } from '../../../src/releases/commands/recover.ts'
import { rollback, rollbackToLastSuccessful } from '../../../src/releases/commands/rollback.ts'
import { unfreeze } from '../../../src/releases/commands/unfreeze.ts'
import { uninstall } from '../../../src/releases/commands/uninstall.ts'
import { upgrade } from '../../../src/releases/commands/upgrade.ts'
import type { OrderSight } from '../../../src/releases/index.ts'
import { summarize } from '../../../src/releases/store/counts.ts'
import { listReleases, type ReleaseFilter } from '../../../src/releases/store/lists.ts'
import type { ListedRelease } from '../../../src/releases/views.ts'
import { eventually } from '../../support/cluster.ts'
import { openReleases, type ReleasesWorld } from './world.ts'

let world: ReleasesWorld
beforeAll(async () => {
  world = await openReleases()
})
afterAll(() => world.close())

type Held = { readonly releaseId: Uuid; readonly executionId: Uuid; readonly namespace: string }

/** A release in 1.0.0, held by an execution. */
async function held(): Promise<Held> {
  const { id, namespace } = await world.installed()
  await untilStatus(id, 'DEPLOYED')
  const claim = { releaseId: id, executionId: await world.execution() }
  await world.within((tx, now) => world.orders.claim(tx, claim, now))
  return { ...claim, namespace }
}

const untilStatus = (id: Uuid, status: string) =>
  eventually(
    () => world.read(id),
    (release) => release.status === status && release.currentOperationId === null,
  )
const sight = async ({ releaseId }: Held, operationId: Uuid): Promise<OrderSight> => {
  const [seen] = await world.orders.look(world.db, [{ releaseId, operationIds: [operationId] }])
  return seen?.orders[operationId] ?? { kind: 'absent' }
}
const untilSight = (release: Held, operationId: Uuid, kind: OrderSight['kind']) =>
  eventually(
    () => sight(release, operationId),
    (seen) => seen.kind === kind,
  )
const orderOf = ({ releaseId, executionId }: Held) => ({
  ...{ releaseId, executionId, operationId: randomUUID() as Uuid, timeoutSeconds: 60 },
  ...{ performedBy: 'test', principalId: 'key:test', reason: null },
})

/** Gives the upgrade to 1.1.0, and waits until it is held. */
async function deployed(release: Held): Promise<Uuid> {
  const chart = await world.deps.ports.charts.resolve('matih-query-engine', '1.1.0')
  const order = { ...orderOf(release), chart }
  await world.within((tx, now) => world.orders.upgrade(tx, order, now))
  await untilSight(release, order.operationId, 'held')
  await world.within((tx, now) => world.orders.upgrade(tx, order, now))
  return order.operationId
}

async function undone(release: Held): Promise<Uuid> {
  const order = { ...orderOf(release), chartVersion: '1.0.0', found: 1, orFound: false }
  await world.within((tx, now) => world.orders.rollback(tx, order, now))
  await untilSight(release, order.operationId, 'held')
  return order.operationId
}

const failed = { kind: 'failed', code: 'not_ready', detail: '3 of 10 instances failed' } as const
type Said = Parameters<ReleasesWorld['orders']['conclude']>[1]['verdict']
async function conclude({ releaseId, executionId }: Held, operationId: Uuid, verdict: Said): Promise<void> {
  await world.within((tx, now) => world.orders.conclude(tx, { releaseId, executionId, operationId, verdict }, now))
  const wanted = verdict.kind === 'ready' ? 'succeeded' : 'failed'
  await eventually(
    () => sight({ releaseId, executionId, namespace: '' }, operationId),
    ({ kind }) => kind === wanted,
  )
}
const unclaim = ({ releaseId, executionId }: Held, mixed = false) => {
  const frozen = mixed ? { executionId, versions: { '1.0.0': 1, '1.1.0': 1 } } : null
  return world.within((tx, now) => world.orders.unclaim(tx, { releaseId, executionId, frozen }, now))
}
/** A release in two versions, as an execution leaves it that gave up. */
async function frozen(): Promise<Held> {
  const release = await held()
  await conclude(release, await deployed(release), failed)
  await unclaim(release, true)
  return release
}
const verdicts = async ({ releaseId }: Held) =>
  (await readHistory(world.deps, world.call.principal, releaseId)).map((r) => `${r.revision} ${r.status}`)
const isWoken = async ({ executionId }: Held): Promise<boolean> => {
  const { rows } = await sql`select 1 from work where kind = 'execution' and subject_id = ${executionId}`.execute(
    world.db,
  )
  return rows.length === 1
}
const thawedOf = ({ releaseId }: Held) =>
  world.thawed.filter((line) => line.endsWith(releaseId)).map((line) => line.split(' ')[0])

describe('a claimed release', () => {
  test('shows as pending, and refuses every command with the execution that holds it', async () => {
    const release = await held()
    const { releaseId: id, executionId } = release
    expect(await world.read(id)).toMatchObject({ status: 'PENDING_UPGRADE', executionId, chartVersion: '1.0.0' })
    const named = { code: 'claimed_by_execution', extra: { executionId } }
    const { deps, call } = world
    await expect(upgrade(deps, call, id, { chartVersion: '1.1.0' })).rejects.toMatchObject(named)
    await expect(rollback(deps, call, id, { targetRevision: 1 })).rejects.toMatchObject(named)
    await expect(uninstall(deps, call, id)).rejects.toMatchObject(named)
    await expect(recover(deps, call, id, { force: true, dryRun: false })).rejects.toMatchObject(named)
    await expect(unfreeze(deps, call, id, 'target', {})).rejects.toMatchObject({ code: 'not_frozen' })
    const another = { releaseId: id, executionId: await world.execution() }
    await expect(world.within((tx, now) => world.orders.claim(tx, another, now))).rejects.toMatchObject(named)
    const before = await summarize(world.db, 'all')
    await world.within((tx, now) => world.orders.show(tx, release, 'PENDING_ROLLBACK', now))
    const after = await summarize(world.db, 'all')
    expect(after.byStatus.PENDING_UPGRADE).toBe(before.byStatus.PENDING_UPGRADE - 1)
    expect(after.byStatus.PENDING_ROLLBACK).toBe(before.byStatus.PENDING_ROLLBACK + 1)
    await unclaim(release)
    expect(await world.read(id)).toMatchObject({ status: 'DEPLOYED', executionId: null, revision: 1, waitingFor: null })
  })

  test('an upgrade is held until its execution says that it is ready; given twice it is there once', async () => {
    const release = await held()
    const { releaseId: id, executionId } = release
    const operationId = await deployed(release)
    expect(await isWoken(release)).toBe(true)
    expect(await world.read(id)).toMatchObject({
      ...{ status: 'PENDING_UPGRADE', revision: 2, chartVersion: '1.0.0', attemptedChartVersion: '1.1.0' },
      ...{ currentOperationId: operationId, executionId },
    })
    expect(await readOperation(world.deps, world.call.principal, operationId)).toMatchObject({
      ...{ execution_id: executionId, parent_id: null, status: 'RUNNING' },
    })
    const [seen] = await world.orders.look(world.db, [{ releaseId: id, operationIds: [operationId] }])
    expect(seen).toMatchObject({ exists: true, revision: 2, madeBy: operationId })
    await expect(cancelOperation(world.deps, nobody, world.call, operationId)).rejects.toMatchObject({
      ...{ code: 'not_cancellable', extra: { executionId } },
    })
    await expect(unclaim(release)).rejects.toMatchObject({ code: 'operation_in_progress' })
    await conclude(release, operationId, { kind: 'ready' })
    expect(await world.read(id)).toMatchObject({ status: 'PENDING_UPGRADE', chartVersion: '1.1.0' })
    await unclaim(release)
    expect(await world.read(id)).toMatchObject({
      ...{
        status: 'DEPLOYED',
        chartVersion: '1.1.0',
        attemptedChartVersion: null,
        valuesOverride: { replicaCount: 2 },
      },
    })
    expect(await verdicts(release)).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
  })

  test('failed and undone: DEPLOYED on a new revision, the abandoned one FAILED in Helm too', async () => {
    const release = await held()
    await conclude(release, await deployed(release), failed)
    expect(await world.hand.helm('history', 'web', '-n', release.namespace)).toContain('failed: not_ready')
    await world.within((tx, now) => world.orders.show(tx, release, 'PENDING_ROLLBACK', now))
    const undo = await undone(release)
    expect(await world.read(release.releaseId)).toMatchObject({ status: 'PENDING_ROLLBACK', revision: 3 })
    await conclude(release, undo, { kind: 'ready' })
    await unclaim(release)
    expect(await world.read(release.releaseId)).toMatchObject({
      ...{ status: 'DEPLOYED', chartVersion: '1.0.0', attemptedChartVersion: null, frozen: null },
    })
    expect(await verdicts(release)).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  })

  test('a verdict that comes while helm applies is obeyed when helm has ended', async () => {
    const release = await held()
    const chart = await world.deps.ports.charts.resolve('matih-query-engine', '1.1.0')
    const order = { ...orderOf(release), chart }
    await world.within(async (tx, now) => {
      await world.orders.upgrade(tx, order, now)
      await world.orders.conclude(tx, { ...release, operationId: order.operationId, verdict: { kind: 'ready' } }, now)
    })
    await untilSight(release, order.operationId, 'succeeded')
    await unclaim(release)
    expect(await world.read(release.releaseId)).toMatchObject({ status: 'DEPLOYED', revision: 2 })
  })

  test('another hand ends what is held, and the execution is told', async () => {
    const release = await held()
    const operationId = await deployed(release)
    await sql`delete from work where kind = 'execution' and subject_id = ${release.executionId}`.execute(world.db)
    await world.hand.helm('rollback', 'web', '1', '-n', release.namespace)
    expect(await untilSight(release, operationId, 'failed')).toMatchObject({ code: 'changed_by_another_hand' })
    expect(await isWoken(release)).toBe(true)
    const [seen] = await world.orders.look(world.db, [{ releaseId: release.releaseId, operationIds: [operationId] }])
    expect(seen).toMatchObject({ revision: 3, madeBy: null })
    await unclaim(release)
    // What held the operation ended while helm was still at work: that it has finished is seen by a look after it.
    const free = await eventually(
      () => world.read(release.releaseId),
      ({ status }) => status === 'DEPLOYED',
    )
    expect(free).toMatchObject({ status: 'DEPLOYED', performedBy: 'external' })
  })
})

const nobody = null as never

describe('in lists and batches', () => {
  const idsOf = async (filter: ReleaseFilter) => {
    const page = { limit: 1000, after: null, order: '-createdAt' } as const
    return (await listReleases(world.db, 'all', filter, page)).map((row) => row.id)
  }
  const needing = async () =>
    (await needingUpgrade(world.deps, world.call, 'matih-query-engine', '1.2.0')).map((row) => row.id)
  const skipped = async (id: Uuid) => {
    const state = await world.deps.states.load(world.db, id)
    return state === null ? null : reasonToSkip(state, '1.2.0')
  }

  test('a claimed release counts by its old version, and a batch leaves it alone, as it does a frozen one', async () => {
    const release = await held()
    const { releaseId: id } = release
    await conclude(release, await deployed(release), failed)
    expect(await needing()).toContain(id)
    expect(await skipped(id)).toBe('an upgrade execution holds it')
    expect(await idsOf({ attention: true })).not.toContain(id)
    expect(await idsOf({ status: 'PENDING_UPGRADE', chartVersion: '1.0.0' })).toContain(id)
    await unclaim(release, true)
    expect(await needing()).toContain(id)
    expect(await skipped(id)).toBe('it is frozen after an upgrade execution')
    expect(await idsOf({ attention: true, chartVersion: '1.0.0' })).toContain(id)
  })

  /** A batch that has left the release alone. */
  async function skippedBy(releaseId: Uuid): Promise<Uuid> {
    const resolved = await world.deps.ports.charts.resolve('matih-query-engine', '1.2.0')
    const item = { releaseId, operationId: randomUUID(), status: 'skipped', code: null, detail: 'held' } as const
    const batch: Batch = {
      ...{ id: randomUUID(), tenantId: null, chart: 'matih-query-engine', targetVersion: '1.2.0', resolved },
      ...{ concurrency: 1, items: [item], starting: null, cancelRequested: false, seq: 0n, version: 0 },
      ...{ options: { timeoutSeconds: 300, wait: true, waitForJobs: false, atomic: false } },
      ...{ performedBy: 'test', principalId: 'key:test', reason: null },
      ...{ startedAt: null, endedAt: null, outcome: null },
    }
    await world.within((tx, now) => insertBatch(tx, batch, new Date(now)))
    return batch.id
  }

  test('a claimed release says what its execution waits for, in a preview and in what a batch did', async () => {
    const { releaseId, executionId } = await held()
    const wait = { reason: 'UPGRADE_EXECUTION', until: null, detail: 'it is PAUSED' }
    const executions = { ...world.deps.ports.executions, waits: async () => new Map([[executionId, wait]]) }
    const deps = { ...world.deps, ports: { ...world.deps.ports, executions } }
    const waitOf = (releases: readonly { readonly release: ListedRelease }[]) =>
      releases.find(({ release }) => release.id === releaseId)?.release.waitingFor
    const target = { chart: 'matih-query-engine', targetVersion: '1.2.0', concurrency: 1 }
    expect(waitOf((await previewBatch(deps, world.call, target)).releases)).toEqual(wait)
    const id = await skippedBy(releaseId)
    expect(waitOf((await batchResult(deps, world.call.principal, id)).skipped)).toEqual(wait)
  })
})

describe('a frozen release', () => {
  test('shows its versions and the target, and an execution takes it over as it is', async () => {
    const release = await frozen()
    const { releaseId: id, executionId } = release
    const left = { executionId, versions: { '1.0.0': 1, '1.1.0': 1 } }
    expect(await world.read(id)).toMatchObject({
      ...{ status: 'FAILED', frozen: left, chartVersion: '1.0.0', attemptedChartVersion: '1.1.0', executionId: null },
    })
    const next = { ...release, executionId: await world.execution() }
    await world.within((tx, now) => world.orders.claim(tx, next, now))
    await unclaim(next)
    expect(await world.read(id)).toMatchObject({ status: 'FAILED', frozen: left, attemptedChartVersion: '1.1.0' })
    await world.within((tx, now) => world.orders.claim(tx, next, now))
    await conclude(next, await deployed(next), { kind: 'ready' })
    await unclaim(next)
    expect(await world.read(id)).toMatchObject({ status: 'DEPLOYED', frozen: null, chartVersion: '1.1.0' })
    expect(thawedOf(release), 'what an execution holds it moves itself').toEqual([])
  })

  test.each([
    { to: 'target', chartVersion: '1.1.0', kind: 'upgrade' },
    { to: 'previous', chartVersion: '1.0.0', kind: 'rollback' },
  ] as const)('unfreeze to $to', async ({ to, chartVersion, kind }) => {
    const release = await frozen()
    const operationId = await unfreeze(world.deps, world.call, release.releaseId, to, {})
    expect(await readOperation(world.deps, world.call.principal, operationId)).toMatchObject({ kind })
    const told = await sql`select action, outcome from audit where operation_id = ${operationId}`.execute(world.db)
    expect(told.rows).toEqual([{ action: 'release.unfreeze', outcome: 'accepted' }])
    const after = await untilStatus(release.releaseId, 'DEPLOYED')
    expect(after).toMatchObject({ chartVersion, frozen: null, revision: 3, valuesOverride: { replicaCount: 2 } })
    expect(thawedOf(release)).toEqual(['halt', 'restore'])
    await expect(unfreeze(world.deps, world.call, release.releaseId, to, {})).rejects.toMatchObject({
      code: 'not_frozen',
    })
  })

  test('an uninstall leaves nothing of the freeze', async () => {
    const release = await frozen()
    await uninstall(world.deps, world.call, release.releaseId)
    expect(await untilStatus(release.releaseId, 'UNINSTALLED')).toMatchObject({ frozen: null })
    expect(thawedOf(release)).toEqual(['restore'])
  })

  test('another hand ends the freeze, and the release follows Helm', async () => {
    const release = await frozen()
    await world.hand.helm('rollback', 'web', '1', '-n', release.namespace)
    const after = await untilStatus(release.releaseId, 'DEPLOYED')
    expect(after).toMatchObject({ frozen: null, performedBy: 'external', chartVersion: '1.0.0' })
    expect(thawedOf(release)).toEqual(['restore'])
  })

  test('another hand while an execution holds it, and has touched nothing: the gates come off after it', async () => {
    const release = await frozen()
    const { releaseId } = release
    const next = { ...release, executionId: await world.execution() }
    await world.within((tx, now) => world.orders.claim(tx, next, now))
    await world.hand.helm('rollback', 'web', '1', '-n', release.namespace)
    const followed = ({ revision }: { readonly revision: number }) => revision === 3
    await eventually(() => world.read(releaseId), followed)
    expect(thawedOf(release), 'what an execution holds is not touched').toEqual([])
    await unclaim(next)
    const free = await eventually(
      () => world.read(releaseId),
      (read) => read.frozen === null,
    )
    expect(free).toMatchObject({ status: 'DEPLOYED', revision: 3, executionId: null, waitingFor: null })
    expect(thawedOf(release)).toEqual(['restore'])
  })
})

describe('a rollback with cancelExecution', () => {
  /** As the execution does it: what is held fails, then it lets go. */
  const cancels = (release: Held, operationId: Uuid) => {
    world.cancelled = async (executionId, by) => {
      expect({ executionId, by: by.name }).toEqual({ executionId: release.executionId, by: 'test' })
      await conclude(release, operationId, { ...failed, code: 'cancelled' })
      await unclaim(release, true)
    }
  }

  test('cancels the execution first, then rolls back', async () => {
    const release = await held()
    cancels(release, await deployed(release))
    await rollbackToLastSuccessful(world.deps, world.call, release.releaseId, {}, { cancelExecution: true })
    expect(await untilStatus(release.releaseId, 'DEPLOYED')).toMatchObject({ revision: 3, chartVersion: '1.0.0' })
    expect(await verdicts(release)).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
    expect(thawedOf(release)).toEqual(['halt', 'restore'])
  })

  test('means nothing without an execution', async () => {
    const { id } = await world.installed()
    await untilStatus(id, 'DEPLOYED')
    await upgrade(world.deps, world.call, id, { chartVersion: '1.1.0' })
    await untilStatus(id, 'DEPLOYED')
    await rollback(world.deps, world.call, id, { targetRevision: 1 }, { cancelExecution: true })
    expect(await untilStatus(id, 'DEPLOYED')).toMatchObject({ revision: 3, chartVersion: '1.0.0' })
  })

  test('ends no execution for a rollback that could not be', async () => {
    const release = await held()
    world.cancelled = () => Promise.reject(new Error('the execution was cancelled'))
    const { deps, call } = world
    const to = (targetRevision: number, ifRevision?: number) =>
      rollback(deps, call, release.releaseId, { targetRevision, ifRevision }, { cancelExecution: true })
    await expect(to(9)).rejects.toMatchObject({ code: 'revision_not_found' })
    await expect(to(1)).rejects.toMatchObject({ code: 'current_revision' })
    await expect(
      rollbackToLastSuccessful(deps, call, release.releaseId, {}, { cancelExecution: true }),
    ).rejects.toMatchObject({ code: 'nothing_to_roll_back_to' })
    await deployed(release)
    await expect(to(1, 1)).rejects.toMatchObject({ code: 'revision_moved' })
  })
})
