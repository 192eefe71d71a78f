import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { wake } from '../../infra/engine/index.ts'
import { listRecords, readRevision } from '../../infra/helm/index.ts'
import { adoptedRelease, type Place } from '../core/create.ts'
import { releaseEvent } from '../core/events.ts'
import type { ReleaseDeps } from '../deps.ts'
import { keepChart } from '../keep-chart.ts'
import { shownHistory } from '../machine-shown.ts'
import { helmRevision } from '../observe.ts'
import { releaseByName, revisionsOfName } from '../store/queries.ts'
import { recordRelease } from '../store/record.ts'

/**
 * Takes a release that another hand made into Flotilla, with its whole history, if its namespace belongs to a tenant
 * (SPEC section 3: "A release made by hand in a tenant's namespace is adopted"). True when it is known afterwards.
 */
export async function adopt(deps: ReleaseDeps, clusterId: Uuid, namespace: string, name: string): Promise<boolean> {
  const tenantId = await transaction(deps.db, (tx) => deps.ports.tenants.ownerOf(tx, clusterId, namespace))
  if (tenantId === null) return false
  const history = await readHistory(deps, clusterId, namespace, name)
  const [first, ...rest] = history
  if (first === undefined || history.at(-1)?.status === 'uninstalled') return false
  const place = { id: deps.newId(), tenantId, clusterId, namespace, name }
  return insert(deps, place, [first, ...rest])
}

async function readHistory(deps: ReleaseDeps, clusterId: Uuid, namespace: string, name: string) {
  const { endpoint } = deps.ports.clusters.of(clusterId)
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const versions = records.map((record) => record.version).sort((a, b) => a - b)
  const stored = await Promise.all(versions.map((version) => readRevision(endpoint, namespace, name, version)))
  const there = stored.filter((record) => record !== null)
  const { charts } = deps.ports
  const history = await Promise.all(there.map(async (record) => helmRevision(record, await keepChart(charts, record))))
  return shownHistory(charts, history)
}

/** Another worker, or an install through the API, may have been first: the unique index decides. */
async function insert(deps: ReleaseDeps, place: Place, history: Parameters<typeof adoptedRelease>[1]) {
  return transaction(deps.db, async (tx) => {
    if ((await releaseByName(tx, place.clusterId, place.namespace, place.name)) !== null) return true
    const secretUids = history.map(({ secretUid }) => secretUid)
    const state = adoptedRelease(place, history, deps.clock.now(), await revisionsOfName(tx, place, secretUids))
    const { release } = state
    await deps.states.insert(tx, state)
    await recordRelease(tx, release, [releaseEvent(release, 'adopted')], deps.clock.now())
    await wake(tx, { kind: 'release', id: release.id }, { share: release.tenantId })
    return true
  })
}
