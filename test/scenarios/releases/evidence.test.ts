import { afterAll, beforeAll, expect, test } from 'vitest'
import { podsAnswer } from '../../support/cluster.ts'
import { Api, ok } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { type Evidence, failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const hook = (events: string, more: object = { tag: 'fail' }) => ({ hook: { events, ...more } })

/** The hook's Job, and the last lines of its pod. */
function expectHook(evidence: unknown, job = 'app-hook'): void {
  const { pods } = evidence as Evidence
  expect(pods?.workloads.map(({ object }) => object)).toEqual([`Job ${job}`])
  expect(pods?.pods).toHaveLength(1)
  expect(pods?.pods[0]?.name.startsWith(`${job}-`)).toBe(true)
  if (podsAnswer) expect(pods?.pods[0]?.containers[0]?.log.length).toBeGreaterThan(0)
  expect(pods?.pods[0]?.events.length).toBeGreaterThan(0)
}

test.concurrent('evidence of a failure that nobody waited for is in its operation, for its tenant only', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { hook: { tag: 'fail' } } })
  const { error } = await operation.ended()
  expect(error?.code).toBe('hook_failed')
  expectHook(error?.evidence)
  const listed = ok(await world.api.get<readonly object[]>(`/operations?releaseId=${release.id}`))
  expect(JSON.stringify(listed)).not.toContain('evidence')
  const keyOf = async (tenantId: string) =>
    ok(await world.api.post<{ key: string }>('/api-keys', { name: 'v', role: 'viewer', tenants: [tenantId] }), 201)
  const viewer = new Api(world.api.url, (await keyOf(place.tenantId)).key)
  expectHook(ok(await viewer.get<{ error: { evidence: unknown } }>(`/operations/${operation.id}`)).error.evidence)
  const other = world.place()
  await other.installed()
  const stranger = new Api(world.api.url, (await keyOf(other.tenantId)).key)
  expect((await stranger.get(`/operations/${operation.id}`)).status).toBe(404)
})

test.concurrent('a pod that crashes is named, with why, while it is waited for and in the end', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  const change = { valuesOverride: { image: { tag: '2.0-crash' } }, timeout: 15 }
  const operation = await release.begin('POST', '/upgrade', change)
  const why = /^(?:\d of \d ready: )?Deployment app: .* \(pod app-\S+: container \S+: CrashLoopBackOff\)$/
  await eventually('the wait says why', async () => why.test((await release.read()).waitingFor?.detail ?? ''))
  expect((await operation.ended()).error).toMatchObject({ code: 'not_ready', detail: expect.stringMatching(why) })
})

test.concurrent('a hook that hangs until the deadline tells what it wrote', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', {
    valuesOverride: { hook: { runMs: 120_000 } },
    timeout: 20,
  })
  const { error } = await operation.ended()
  // Helm counts its own time, and may say so before it is ended.
  expect(['timed_out', 'hook_failed']).toContain(error?.code)
  expectHook(error?.evidence)
  expect(error?.evidence).toMatchObject({ helm: expect.stringMatching(/./) })
})

test.concurrent.each([
  ['upgrade', 'pre-upgrade'],
  ['uninstall', 'pre-delete'],
] as const)('while helm waits for a hook the %s says for which, and so does its end', async (kind, event) => {
  const slow = { runMs: 600_000, name: 'migrate' }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: hook(`${event},test`, slow) })
  const operation =
    kind === 'upgrade'
      ? await release.begin('POST', '/upgrade', { valuesOverride: { color: 'blue' }, timeout: 30 })
      : await release.begin('DELETE', '?timeout=30')
  const named = `Job app-migrate (${event})`
  const detail = `helm waits for the hook ${named}`
  // While its pod starts it says that besides.
  const waiting = await operation.until('names the hook', ({ waitingFor }) => waitingFor?.detail === detail)
  const reason = kind === 'upgrade' ? 'APPLYING' : 'UNINSTALLING'
  expect(waiting.waitingFor).toMatchObject({ reason, detail, until: expect.stringMatching(/Z$/) })
  expect((await release.read()).waitingFor).toEqual(waiting.waitingFor)
  const { error } = await operation.ended()
  expect(['timed_out', 'hook_failed']).toContain(error?.code)
  expect(error?.detail).toContain(`the hook ${named} had not ended`)
  expect(error?.detail.includes('hooks=false')).toBe(kind === 'uninstall')
  expect((await release.read()).waitingFor).toBeNull()
})

test.concurrent('a hook whose pod cannot start tells why while it is waited for', async () => {
  const place = world.place()
  const values = { hook: { tag: 'imagepull' } }
  const { operation } = await place.installing({ chartName: 'hooked', valuesOverride: values, timeout: 600 })
  const why =
    /^helm waits for the hook Job app-hook \(pre-install\): pod app-hook-\S+: container hook: ImagePullBackOff$/
  await operation.until('says why', ({ waitingFor }) => why.test(waitingFor?.detail ?? ''))
  ok(await world.api.post(`/operations/${operation.id}/cancel`, {}), 202)
  expect((await operation.ended()).error).toMatchObject({ code: 'cancelled' })
})

test.concurrent('a hook for which no pod can be made tells why while it is waited for, and in the end', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  await world.cluster.limitPods(release.namespace, 0)
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { color: 'blue' }, timeout: 600 })
  const no =
    'pods "app-hook-[^"]*" is forbidden: exceeded quota: limits, requested: pods=1, used: pods=0, limited: pods=0'
  const named = 'Job app-hook \\(pre-upgrade\\)'
  const waits = new RegExp(`^helm waits for the hook ${named}: it has no pod: ${no}$`)
  await operation.until('says why', ({ waitingFor }) => waits.test(waitingFor?.detail ?? ''))
  ok(await world.api.post(`/operations/${operation.id}/cancel`, {}), 202)
  const { error } = await operation.ended()
  expect(error).toMatchObject({ code: 'cancelled' })
  expect(error?.detail).toMatch(new RegExp(`the hook ${named} had not ended: it has no pod: ${no}`))
  const workloads = [{ object: 'Job app-hook', reason: expect.stringMatching(new RegExp(no)) }]
  expect(error?.evidence).toMatchObject({ pods: { workloads } })
})

test.concurrent('a hook that ends is waited for no more', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked', valuesOverride: { parts: ['two'] } })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { hook: heldHook } })
  await operation.until('names the hook', ({ waitingFor }) => (waitingFor?.detail ?? '').includes('Job app-hook'))
  await world.cluster.endHook(place.namespace)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', waitingFor: null })
})

test.concurrent('a hook that helm removes because it failed has told before', async () => {
  const deletePolicy = { tag: 'fail', deletePolicy: 'hook-failed' }
  const release = await world.place().installed({ chartName: 'hooked' })
  const failed = failure(await release.upgrade({ valuesOverride: hook('post-upgrade', deletePolicy) }), 'hook_failed')
  expectHook(failed.evidence)
  expect(failed.detail).toContain('the hook Job app-hook has failed')
})

test.concurrent('hooks of a rollback and before a removal are told by what they did, not by their names', async () => {
  const values = hook('pre-rollback,pre-delete', { tag: 'fail', name: 'migrate' })
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: values })
  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  const back = failure(await release.rollback(1), 'hook_failed')
  expectHook(back.evidence, 'app-migrate')
  expect(back.detail).toContain('the hook Job app-migrate (pre-rollback) has failed')
  const removal = failure(await release.uninstall(), 'hook_failed')
  expectHook(removal.evidence, 'app-migrate')
  expect(removal.detail).toContain('the hook Job app-migrate (pre-delete) has failed')
})

test.concurrent('a hook that fails after the removal is told, and the release is UNINSTALLED', async () => {
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: hook('post-delete') })
  const failed = failure(await release.uninstall(), 'hook_failed')
  expect(failed.release.status).toBe('UNINSTALLED')
  expectHook(failed.evidence)
})

test.concurrent('what hangs in a removal is told', async () => {
  const release = await world.place().installed({ chartName: 'stubborn' })
  const failed = failure(await release.uninstall({ timeout: '8' }), 'uninstall_incomplete')
  const { pods } = failed.evidence as Evidence
  expect(pods?.workloads).toMatchObject([{ object: 'ConfigMap app', reason: expect.stringContaining('held by') }])
})
