import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../../support/chance.ts'
import {
  brokenVersion,
  currentRelease,
  installBody,
  type LaneParts,
  noteAnswer,
  noteRefusal,
  type Release,
  untilEnded,
  upgradeBody,
  versions,
} from '../lane.ts'
import { follow } from './follow.ts'
import type { Component, FleetPlace } from './places.ts'

/** Executions that were accepted: their ids and what was asked. */
export type ExecutionLedger = Map<string, string>
export type ExecutionParts = LaneParts & {
  readonly component: Component
  readonly executions: ExecutionLedger
  /** What must not happen while a lane follows an execution. */
  readonly onTrouble: (what: string) => void
}

const strategies = ['ROLLING', 'CANARY', 'BLUE_GREEN', 'RECREATE', 'STAGED'] as const

/** One fleet that is upgraded again and again, by every strategy, with commands in between and other changes after. */
export async function runExecutions(place: FleetPlace, parts: ExecutionParts): Promise<void> {
  while (!parts.stop.aborted) {
    const releases = await releasesOf(place, parts)
    if (releases === null || !(await prepare(releases, parts))) {
      await sleep(300)
      continue
    }
    const id = await initiate(place, releases, parts)
    if (id === null) await sleep(300)
    else await follow(id, parts)
  }
}

/** The releases of the place; null when one had to be installed first. */
async function releasesOf(place: FleetPlace, parts: ExecutionParts): Promise<readonly Release[] | null> {
  const found: Release[] = []
  for (const name of place.names) {
    const at = { ...place, name }
    const release = await currentRelease(at, parts)
    if (release === null) {
      const body = { ...installBody(at, parts.chance), chartVersion: parts.chance.pick(versions), timeout: 60 }
      await done(await parts.client.command('POST', '/helm/releases', body), name, parts)
    } else found.push(release)
  }
  return found.length === place.names.length ? found : null
}

/** True when an execution can begin with the releases as they are; else one is changed by itself, so that it can later. */
async function prepare(releases: readonly Release[], parts: ExecutionParts): Promise<boolean> {
  const { chance, client } = parts
  const frozen = releases.find((release) => release.frozen !== null)
  if (frozen !== undefined && chance.next() < 0.5) {
    const path = `/helm/releases/${frozen.id}/unfreeze?to=${chance.pick(['target', 'previous'])}`
    await done(await client.command('POST', path, { timeout: chance.between(4, 20) }), 'unfreeze', parts)
    return false
  }
  const [first, ...others] = releases
  const differs = others.find(({ chartVersion }) => chartVersion !== first?.chartVersion)
  const stays = first !== undefined && differs === undefined && first.chartVersion < '1.3.0' && chance.next() < 0.85
  if (stays || (frozen !== undefined && chance.next() < 0.5)) return true
  const body = { ...upgradeBody(chance), chartVersion: versions[0], timeout: 60 }
  for (const { id } of releases)
    await done(await client.command('POST', `/helm/releases/${id}/upgrade`, body), id, parts)
  return false
}

async function done(answer: Parameters<typeof noteAnswer>[0], what: string, parts: ExecutionParts): Promise<void> {
  const operation = noteAnswer(answer, what, parts)
  if (operation !== null) await untilEnded(operation, parts)
}

async function initiate(
  place: FleetPlace,
  releases: readonly Release[],
  parts: ExecutionParts,
): Promise<string | null> {
  const { client, chance, executions } = parts
  const body = requestBody(releases, parts.component, chance)
  const answer = await client.command('POST', `/registry/tenants/${place.tenantId}/upgrades`, body)
  if (answer.status !== 201) {
    noteRefusal(answer, `execution of ${place.namespace}`, parts)
    return null
  }
  const { id } = answer.body as { readonly id: string }
  executions.set(id, `${body.strategy} of ${place.namespace}`)
  return id
}

function requestBody(releases: readonly Release[], { id, versions: ids }: Component, chance: Chance) {
  const [first] = releases
  const { from, to } = ends(first, chance)
  const target =
    releases.length === 1
      ? { kind: 'workload', releaseId: first?.id }
      : { kind: 'releases', releaseIds: releases.map((release) => release.id) }
  return {
    componentId: id,
    fromVersionId: ids.get(from),
    toVersionId: ids.get(to),
    target,
    strategy: chance.pick(strategies),
    canaryPercentage: chance.pick([10, 30, 60]),
    batchSize: chance.between(1, 3),
    batchDelaySeconds: chance.between(0, 1),
    healthCheckIntervalSeconds: 1,
    healthCheckTimeoutSeconds: chance.between(3, 8),
    maxUnavailablePercentage: chance.pick([25, 34, 50, 100]),
    autoRollbackEnabled: chance.next() < 0.6,
    failureThreshold: chance.between(1, 2),
  }
}

/** From what runs to a later version, or to the one that never becomes ready; on a frozen fleet between the two. */
function ends(release: Release | undefined, chance: Chance): { readonly from: string; readonly to: string } {
  const [one, other] = Object.keys(release?.frozen?.versions ?? {}).sort()
  if (one !== undefined && other !== undefined) {
    return chance.next() < 0.5 ? { from: one, to: other } : { from: other, to: one }
  }
  const from = one ?? release?.chartVersion ?? versions[0]
  const later = versions.filter((version) => version > from)
  const [next = brokenVersion, ...rest] = later
  return { from, to: chance.next() < 0.25 ? brokenVersion : chance.pick([next, ...rest]) }
}
