import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../support/chance.ts'
import { type Answer, codeOf, type StubbornClient } from './client.ts'

/** What was accepted: the id of its operation and what was asked. */
export type Ledger = Map<string, string>
/** What was refused, counted by code: 409s are part of life when a batch and a lane meet. */
export type Refusals = Map<string, number>

export type LaneParts = {
  readonly client: StubbornClient
  readonly chance: Chance
  readonly accepted: Ledger
  readonly refused: Refusals
  readonly stop: AbortSignal
}

export type Place = {
  readonly tenantId: string
  readonly namespace: string
  readonly name: string
  readonly chart: string
}
export type Release = {
  readonly id: string
  readonly status: string
  readonly revision: number
  readonly chartVersion: string
  readonly frozen: { readonly versions: Readonly<Record<string, number>> } | null
}

export const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'] as const
/** Of every sample chart; its workloads never become ready. */
export const brokenVersion = '1.4.0'

/** One release whose owner never rests: installs, upgrades, rolls back, uninstalls, installs again. */
export async function runLane(place: Place, parts: LaneParts): Promise<void> {
  while (!parts.stop.aborted) {
    const release = await currentRelease(place, parts)
    const answer = await nextCommand(place, release, parts)
    const operation = noteAnswer(answer, `${place.name}`, parts)
    if (operation !== null) await untilEnded(operation, parts)
    else await sleep(300)
  }
}

/** Upgrades all releases of a chart, again and again: also those that a lane is working on. */
export async function runBatches(chart: string, parts: LaneParts): Promise<void> {
  const { client, chance, stop } = parts
  while (!stop.aborted) {
    const target = chance.pick(versions)
    const path = `/helm/releases/chart/${chart}/batch-upgrade?targetVersion=${target}&concurrency=${chance.between(1, 3)}`
    const operation = noteAnswer(await client.command('POST', path, { timeout: 60 }), 'batch', parts)
    if (operation !== null) await untilEnded(operation, parts)
    await sleep(chance.between(500, 3_000))
  }
}

/** The release of a place; null when there is none. */
export async function currentRelease(
  { namespace, name }: Pick<Place, 'namespace' | 'name'>,
  { client }: LaneParts,
): Promise<Release | null> {
  const { body } = await client.get(`/helm/releases?namespace=${namespace}&limit=200`)
  const list = Array.isArray(body) ? (body as (Release & { readonly releaseName: string })[]) : []
  return list.find(({ releaseName }) => releaseName === name) ?? null
}

function nextCommand(place: Place, release: Release | null, parts: LaneParts): Promise<Answer> {
  const { chance, client } = parts
  if (release === null) return client.command('POST', '/helm/releases', { ...installBody(place, chance) })
  const path = `/helm/releases/${release.id}`
  const dice = chance.next()
  if (dice < 0.55) return client.command('POST', `${path}/upgrade`, upgradeBody(chance))
  if (dice < 0.7) return client.command('POST', `${path}/rollback/last-successful`, { timeout: 60 })
  if (dice < 0.8) return client.command('POST', `${path}/rollback`, rollbackBody(chance, release))
  return client.command('DELETE', `${path}?reason=chaos`)
}

/** A new release with random values. */
export function installBody({ name, chart, tenantId, namespace }: Place, chance: Chance) {
  const at = { tenantId, namespace, releaseName: name, chartName: chart }
  return { ...at, ...deployment(chance), valuesOverride: values(chance) }
}

/** A random change of a release. */
export function upgradeBody(chance: Chance) {
  return { ...deployment(chance), valuesOverride: values(chance) }
}

function deployment(chance: Chance) {
  const broken = chance.next() < 0.12
  const chartVersion = broken ? brokenVersion : chance.pick(versions)
  return { chartVersion, atomic: chance.next() < 0.4, timeout: broken ? 4 : 60 }
}

function values(chance: Chance) {
  return { replicaCount: chance.between(1, 3), image: { tag: `v${chance.between(1, 1_000_000)}` } }
}

function rollbackBody(chance: Chance, { revision }: Release) {
  return { targetRevision: Math.max(1, revision - chance.between(1, 3)), timeout: 60 }
}

/** Enters what was accepted into the ledger; null when it was refused. */
export function noteAnswer(answer: Answer, what: string, parts: LaneParts): string | null {
  const { operationId } = answer.body as { readonly operationId?: string }
  if (answer.status === 202 && operationId !== undefined) {
    parts.accepted.set(operationId, what)
    return operationId
  }
  noteRefusal(answer, what, parts)
  return null
}

/** Counts a refusal by its code. Anything but the 4xx of life is thrown. */
export function noteRefusal({ status, body }: Answer, what: string, { refused }: LaneParts): void {
  if (![404, 409, 422].includes(status)) throw new Error(`${what}: ${status} ${JSON.stringify(body)}`)
  const code = codeOf(body) || String(status)
  refused.set(code, (refused.get(code) ?? 0) + 1)
}

/** Waits until an operation has ended, or the lanes stop. */
export async function untilEnded(operationId: string, { client, stop }: LaneParts): Promise<void> {
  while (!stop.aborted) {
    const { body } = await client.get(`/operations/${operationId}`)
    if ((body as { readonly endedAt: string | null }).endedAt !== null) return
    await sleep(250)
  }
}
