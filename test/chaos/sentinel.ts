import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterReader } from './cluster-reader.ts'
import type { DatabaseReader } from './database-reader.ts'
import { FleetSentinel } from './executions/sentinel.ts'

/** What must hold at every moment, looked at all the time while faults strike. */
export class Sentinel {
  readonly violations = new Set<string>()
  readonly fleets: FleetSentinel
  looks = 0
  private readonly cluster: ClusterReader
  private readonly database: DatabaseReader

  constructor(cluster: ClusterReader, database: DatabaseReader) {
    this.cluster = cluster
    this.database = database
    this.fleets = new FleetSentinel(cluster, database)
  }

  /** Looks until the signal is aborted. A part that is down is looked at the next time. */
  async watch(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const looks = [this.lookAtHelm(), this.lookAtReleases(), this.fleets.look()]
      await Promise.all(looks.map((look) => look.catch(() => undefined)))
      await sleep(300, undefined, { signal: stop }).catch(() => undefined)
    }
  }

  private async lookAtHelm(): Promise<void> {
    for (const [release, count] of await this.cluster.deployedCounts()) {
      if (count > 1) this.violations.add(`${release} had ${count} deployed revisions in Helm's storage`)
    }
    this.looks++
  }

  private async lookAtReleases(): Promise<void> {
    for (const { id, what } of await this.database.stranded()) this.violations.add(`${id} ${what}`)
  }
}
