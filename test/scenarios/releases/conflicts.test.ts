import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json } from '../../../src/core/json.ts'
import { type Resource, resources } from '../../../src/infra/kubernetes/index.ts'
import { testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { failure, type Operation, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** As `kubectl scale` does it: another manager owns `.spec.replicas` afterwards. */
async function scaledByHand(release: ReleaseHandle, replicas: number): Promise<void> {
  const name = { namespace: release.namespace, name: release.name }
  const patch = { type: 'merge', fieldManager: 'kubectl', body: { spec: { replicas } } } as const
  await world.cluster.client.patch(resources.deployments, name, patch)
}

/** The newest operation of a release, as one reads it. */
async function newestOperation(release: ReleaseHandle): Promise<Operation> {
  const [newest] = ok(await world.api.get<readonly Operation[]>(`/operations?releaseId=${release.id}&limit=1`))
  return ok(await world.api.get<Operation>(`/operations/${newest?.id}`))
}

async function replicas(release: ReleaseHandle): Promise<number | undefined> {
  return (await world.cluster.deployment(release.namespace, release.name))?.spec.replicas
}

/** 3.17 patches from its own last manifest and asks nobody, so nothing is in its way. */
const meetsConflicts = testedDialect === 'v4'

async function expectConflict(release: ReleaseHandle): Promise<void> {
  const failed = failure(await release.upgrade({ valuesOverride: { replicas: 3 } }), 'field_conflict')
  expect(failed.release).toMatchObject({ status: 'FAILED', valuesOverride: {} })
  expect(failed.detail).toContain('.spec.replicas')
  const conflict = { object: 'Deployment app', field: '.spec.replicas', manager: 'kubectl' }
  expect(failed.evidence).toMatchObject({ conflicts: [{ ...conflict, live: 4, wanted: 3 }] })
  expect(await replicas(release)).toBe(4)
}

test.concurrent('an upgrade that meets the field of another manager ends with field_conflict and says which', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  await scaledByHand(release, 4)
  if (meetsConflicts) await expectConflict(release)
  const forced = ok(await release.upgrade({ valuesOverride: { replicas: 3 }, forceConflicts: true }))
  expect(forced).toMatchObject({ status: 'DEPLOYED', valuesOverride: { replicas: 3 } })
  expect(await replicas(release)).toBe(3)
})

test.concurrent('a dry run finds the conflict before', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  await scaledByHand(release, 4)
  const diff = ok(await release.preview({ valuesOverride: { replicas: 3 } }))
  const conflict = { object: 'Deployment app', field: '.spec.replicas', manager: 'kubectl', live: 4, wanted: 3 }
  expect(diff).toMatchObject({ conflicts: meetsConflicts ? [conflict] : [] })
  expect(await replicas(release)).toBe(4)
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
})

test.concurrent('what is taken by force is what the dry run has shown, or nothing is done', async () => {
  if (!meetsConflicts) return
  const release = await world.place().installed({ chartName: 'workload' })
  const wanted = { valuesOverride: { replicas: 3 }, forceConflicts: true }
  const before = ok(await release.preview(wanted))
  await scaledByHand(release, 4)
  problem(await release.upgrade({ ...wanted, ifRevision: 1, ifDiffHash: before.hash }), 409, 'diff_changed')
  expect(await replicas(release)).toBe(4)
  const shown = ok(await release.preview(wanted))
  await scaledByHand(release, 7)
  problem(await release.upgrade({ ...wanted, ifRevision: 1, ifDiffHash: shown.hash }), 409, 'diff_changed')
  expect(await replicas(release)).toBe(7)
  const { hash } = ok(await release.preview(wanted))
  expect(ok(await release.upgrade({ ...wanted, ifRevision: 1, ifDiffHash: hash }))).toMatchObject({ revision: 2 })
  expect(await replicas(release)).toBe(3)
})

test.concurrent('an object whose template has no labels conflicts in the dry run as in the upgrade', async () => {
  const release = await world.place().installed()
  const name = { namespace: release.namespace, name: release.name }
  const patch = { type: 'merge', fieldManager: 'kubectl', body: { data: { version: 'by hand' } } } as const
  await world.cluster.client.patch(resources.configMaps, name, patch)
  const wanted = { valuesOverride: { color: 'blue' } }
  const conflict = { object: `ConfigMap ${release.name}`, field: '.data.version', manager: 'kubectl' }
  const conflicts = meetsConflicts ? [{ ...conflict, live: 'by hand', wanted: '1.0.0' }] : []
  expect(ok(await release.preview(wanted))).toMatchObject({ conflicts })
  if (!meetsConflicts) return
  expect(failure(await release.upgrade(wanted), 'field_conflict').evidence).toMatchObject({ conflicts })
})

test.concurrent('a list that another hand has changed is shown as it is, and as it is wanted', async () => {
  const release = await world.place().installed({ chartName: 'workload', valuesOverride: { args: ['--port=80'] } })
  const name = { namespace: release.namespace, name: release.name }
  const byHand = ['--port=80', '--debug']
  const containers = [{ name: 'main', image: 'app:1.0', args: byHand }]
  const body = { spec: { template: { spec: { containers } } } }
  await world.cluster.client.patch(resources.deployments, name, { type: 'merge', fieldManager: 'kubectl-edit', body })
  const wanted = { valuesOverride: { args: ['--port=81'] } }
  const field = '.spec.template.spec.containers[name="main"].args'
  const told = { object: 'Deployment app', field, manager: 'kubectl-edit', live: byHand }
  const conflicts = meetsConflicts ? [{ ...told, wanted: ['--port=81'] }] : []
  expect(ok(await release.preview(wanted))).toMatchObject({ conflicts })
  if (meetsConflicts)
    expect(failure(await release.upgrade(wanted), 'field_conflict').evidence).toMatchObject({ conflicts })
  else ok(await release.upgrade(wanted))
  ok(await release.rollback(1))
  const overwritten = meetsConflicts ? [{ ...told, wanted: ['--port=80'] }] : undefined
  expect((await newestOperation(release)).result?.overwritten).toEqual(overwritten)
})

test.concurrent('a long value is cut around what has changed, in the dry run and in the evidence', async () => {
  const before = 'w'.repeat(5_000)
  const release = await world.place().installed({ chartName: 'secretive', valuesOverride: { word: before } })
  await editedByHand(release, resources.configMaps, { data: { word: `${before} by hand` } })
  const wanted = { valuesOverride: { word: `${before} wanted` } }
  const told = { field: '.data.word', live: `…${'w'.repeat(49)} by hand`, wanted: `…${'w'.repeat(49)} wanted` }
  expect(ok(await release.preview(wanted))).toMatchObject({ conflicts: meetsConflicts ? [told] : [] })
  if (!meetsConflicts) return
  expect(failure(await release.upgrade(wanted), 'field_conflict').evidence).toMatchObject({ conflicts: [told] })
})

test.concurrent('a field of a Secret conflicts without its values', async () => {
  const release = await world.place().installed({ valuesOverride: { encoded: true, password: 'canary-before' } })
  const name = { namespace: release.namespace, name: release.name }
  const secrets = { stringData: { password: 'canary-by-hand' } }
  await world.cluster.client.patch(resources.secrets, name, { type: 'merge', fieldManager: 'kubectl', body: secrets })
  const wanted = { valuesOverride: { password: 'canary-wanted' } }
  const previewed = ok(await release.preview(wanted))
  const conflict = { object: 'Secret app', manager: 'kubectl', live: '***', wanted: '***' }
  const conflicts = meetsConflicts ? [expect.objectContaining(conflict)] : []
  expect(previewed).toMatchObject({ conflicts })
  expect(JSON.stringify(previewed)).not.toContain('canary')
  if (!meetsConflicts) return
  const failed = failure(await release.upgrade(wanted), 'field_conflict')
  expect(failed.evidence).toMatchObject({ conflicts })
  expect(JSON.stringify(failed)).not.toContain('canary')
})

test.concurrent('a rollback takes the field back', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  ok(await release.upgrade({ valuesOverride: { replicas: 3 } }))
  await scaledByHand(release, 5)
  expect(ok(await release.rollback(1))).toMatchObject({ status: 'DEPLOYED', revision: 3 })
  expect(await replicas(release)).toBe(2)
  const taken = { object: 'Deployment app', field: '.spec.replicas', manager: 'kubectl', live: 5, wanted: 2 }
  expect(await newestOperation(release)).toMatchObject({ kind: 'rollback', result: { overwritten: [taken] } })
  ok(await release.rollback(2))
  expect((await newestOperation(release)).result).not.toHaveProperty('overwritten')
})

/** As `kubectl edit` does it. */
async function editedByHand(release: ReleaseHandle, resource: Resource, body: Json): Promise<void> {
  const name = { namespace: release.namespace, name: release.name }
  await world.cluster.client.patch(resource, name, { type: 'merge', fieldManager: 'kubectl-edit', body })
}

test.concurrent('an atomic upgrade that is rolled back says what of another hand its rollback overwrote', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  await editedByHand(release, resources.configMaps, { data: { color: 'by hand' } })
  const failing = { valuesOverride: { hook: { events: 'pre-upgrade', tag: 'fail' } }, atomic: true }
  const failed = failure(await release.upgrade(failing), 'rolled_back')
  const taken = { object: 'ConfigMap app', field: '.data.color', manager: 'kubectl-edit' }
  const overwritten = [{ ...taken, live: 'by hand', wanted: 'red' }]
  expect(failed.evidence).toMatchObject({ helm: expect.stringContaining('UPGRADE FAILED'), overwritten })
  expect(await newestOperation(release)).toMatchObject({ id: failed.operationId, result: { overwritten } })
  expect(await world.cluster.config(release.namespace, 'app')).toMatchObject({ color: 'red' })
})

test.concurrent('of what was overwritten no secret is told, and texts are cut', async () => {
  const password = 'correct-horse-battery'
  const release = await world.place().installed({ chartName: 'secretive', valuesOverride: { password } })
  ok(await release.upgrade({ valuesOverride: { word: 'two' } }))
  await editedByHand(release, resources.configMaps, {
    data: { url: `by hand rotated-by-hand`, word: 'w'.repeat(5_000) },
  })
  ok(await release.rollback(1))
  const operation = await newestOperation(release)
  const [url, word] = operation.result?.overwritten ?? []
  expect(url).toMatchObject({ field: '.data.url', live: '***', wanted: 'postgres://app:***@db/x' })
  expect(word).toMatchObject({ field: '.data.word', live: `${'w'.repeat(200)}…`, wanted: 'one' })
  expect(JSON.stringify(operation)).not.toMatch(new RegExp(`${password}|rotated-by-hand`))
})

// The API server itself sees no conflict between `stringData` and what is stored of it.
test.concurrent.each([false, true])('a field of a Secret is named without its values, encoded: %s', async (encoded) => {
  const values = { encoded, password: 'first-password' }
  const release = await world.place().installed({ chartName: 'plain', valuesOverride: values })
  ok(await release.upgrade({ valuesOverride: { password: 'second-password' } }))
  const byHand = Buffer.from('password-by-hand').toString('base64')
  await editedByHand(release, resources.secrets, { data: { password: byHand }, type: 'Opaque' })
  ok(await release.rollback(1))
  const operation = await newestOperation(release)
  const taken = { object: 'Secret app', field: '.data.password', manager: 'kubectl-edit', live: '***', wanted: '***' }
  expect(operation.result).toMatchObject({ overwritten: [taken] })
  expect(JSON.stringify(operation)).not.toMatch(new RegExp(`${byHand}|password-by-hand|first-|second-`))
})

test.concurrent('so does the rollback of an atomic upgrade', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  await scaledByHand(release, 3)
  const broken = { valuesOverride: { image: { tag: 'never-ready' } }, forceConflicts: true, atomic: true, timeout: 8 }
  const failed = failure(await release.upgrade(broken), 'rolled_back')
  expect(failed.release).toMatchObject({ status: 'DEPLOYED', revision: 3 })
  expect(await replicas(release)).toBe(2)
})

test.concurrent('health tells what is true now, whoever changed it', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  await scaledByHand(release, 4)
  await release.until('has five pods', ({ health }) => health?.ready === 5 && health.total === 5)
  const [pod] = await world.cluster.pods(release.namespace)
  const sick = { metadata: { annotations: { 'practice.flotilla.dev/fault': 'never-ready' } } }
  const name = { namespace: release.namespace, name: pod?.metadata.name ?? '' }
  await world.cluster.client.patch(resources.pods, name, { type: 'merge', body: sick })
  await eventually('one is not ready', async () => {
    const { health, status } = await release.read()
    return status === 'DEPLOYED' && health?.ready === 4
  })
})
