import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import { whereContainersRun } from '../support/on-both.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const [first, second] = ['CANARY7zzQ', 'WARBLER4kkP']
const packed = (text: string) => Buffer.from(`x:${text}:y`).toString('base64').slice(4, -4)

/** Neither password, in any of the forms that the chart gives it. */
function expectHidden(answer: unknown): void {
  const text = JSON.stringify(answer)
  for (const secret of [first, second]) {
    expect(text.toLowerCase()).not.toContain(secret.toLowerCase())
    expect(text).not.toContain(packed(secret))
  }
}

test('what a schema marks is readable nowhere: revisions, diffs, dry runs, problems, evidence', async () => {
  const release = await world.place().installed({ chartName: 'secretive', valuesOverride: { password: first } })
  const one = ok(await release.revision(1))
  expect(one.manifest).toContain('postgres://app:***@db/x')
  expectHidden(one)

  const preview = ok(await release.preview({ valuesOverride: { password: second, word: `my ${second}` } }))
  expect(preview.manifest).toContain('word: my ***')
  expectHidden(preview)

  expectHidden(ok(await release.upgrade({ valuesOverride: { password: second, word: `my ${second}` } })))
  expectHidden([ok(await release.revision(1)), ok(await release.revision(2)), ok(await release.diff(1, 2))])

  const unseen = ok(await release.preview({ valuesOverride: { password: first } }))
  expect(unseen.values).toContain('only what is not shown differs')
  expect(ok(await release.preview({ valuesOverride: {} }))).toMatchObject({ values: '', manifest: '' })

  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { named: true } })
  const failed = await operation.ended()
  expect(failed.error?.detail).toContain('***')
  expectHidden([failed, await release.read(), await release.history(), await release.events()])
  expectHidden(failure(await release.upgrade({ valuesOverride: { named: true } }), 'helm_failed'))
})

test('a mask that comes back is not deployed: 400 names its place, and nothing is changed', async () => {
  const place = world.place()
  const masked = { valuesOverride: { password: '***' } }
  const told = { pointer: '/valuesOverride/password', message: expect.stringContaining('masked') }
  expect(problem(await place.install({ chartName: 'secretive', ...masked }), 400, 'malformed').errors).toEqual([told])
  problem(await world.api.get(`/tenants/${place.tenantId}`), 404, 'not_found')

  const release = await place.installed({ chartName: 'secretive', valuesOverride: { password: first, word: 'a' } })
  const read = ok(await release.revision(1)).values
  expect(read).toMatchObject({ password: '***', word: 'a' })
  for (const body of [{ valuesOverride: read }, { valuesOverride: read, valuesMode: 'replace' }]) {
    expect(problem(await release.upgrade(body), 400, 'malformed').errors).toEqual([told])
    expect(problem(await release.preview(body), 400, 'malformed').errors).toEqual([told])
  }
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])

  // Left out it stays, and where the schema marks nothing three asterisks are a word like any other.
  const upgraded = ok(await release.upgrade({ valuesOverride: { word: '***' } }))
  expect(upgraded.valuesOverride).toMatchObject({ password: '***', word: '***' })
  expectHidden(upgraded)
  const deployed = await world.cluster.config(place.namespace, release.name)
  expect(deployed).toMatchObject({ word: '***', url: `postgres://app:${first}@db/x` })
  expectHidden(ok(await release.rollback(1)))
  expect(await world.cluster.config(place.namespace, release.name)).toMatchObject({ ...deployed, word: 'a' })
})

whereContainersRun(
  'a hook that fails and prints it shows it nowhere: evidence with its log, waits, events, and our own log',
  async () => {
    const release = await world.place().installed({ chartName: 'secretive', valuesOverride: { password: first } })
    const operation = await release.begin('POST', '/upgrade', { valuesOverride: { hook: true } })
    const failed = await operation.ended()
    expect(failed.error?.code).toBe('hook_failed')
    const evidence = JSON.stringify(failed.error?.evidence)
    expect(evidence).toContain('registry.invalid/tool:***-fail')
    expectHidden([failed, await release.read(), await release.history(), await release.events()])
    expectHidden(failure(await release.upgrade({ valuesOverride: { hook: true } }), 'hook_failed'))
    expectHidden(world.flotilla.log)
  },
)

test('what an API server quotes of a pod it refuses to change tells no environment: problems, operations, history', async () => {
  const environment = ['one', 'two'] as const
  const release = await world.place().installed({ chartName: 'secretive', valuesOverride: { environment: 'one' } })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { environment: 'two' } })
  const failed = await operation.ended()
  expect(failed.error?.detail).toContain('field is immutable')
  const refused = failure(await release.upgrade({ valuesOverride: { environment: 'two' } }), 'helm_failed')
  const told = [
    failed,
    refused,
    await release.read(),
    await release.history(),
    await release.events(),
    world.flotilla.log,
  ]
  for (const word of environment)
    expect(JSON.stringify(told)).not.toContain(createHash('sha256').update(word).digest('hex'))
})
