import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

/** `atomic` where the way back is not open: SPEC section 3, "Outcomes" and what follows the table of states. */

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const failingHook = (events: string) => ({ hook: { events, tag: 'fail' } })

test.concurrent('an upgrade whose rollback fails too is FAILED, and another upgrade mends it', async () => {
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: failingHook('pre-rollback') })
  const given = { valuesOverride: { color: 'blue', ...failingHook('pre-upgrade') }, atomic: true }
  const failed = failure(await release.upgrade(given), 'rollback_failed')
  expect(failed.detail).toMatch(/^pre-upgrade hooks failed: .*; the way back failed too: /s)
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 3, valuesOverride: failingHook('pre-rollback') })
  // What went wrong first is the evidence.
  expect(JSON.stringify(failed.evidence)).toContain('UPGRADE FAILED')
  expect(await release.verdicts()).toEqual(['3 FAILED', '2 FAILED', '1 DEPLOYED'])
  ok(await release.upgrade({ valuesOverride: { hook: { tag: '1.0' } } }))
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', revision: 4 })
})

test.concurrent('an upgrade with nothing to go back to is FAILED', async () => {
  const place = world.place()
  const given = { chartName: 'hooked', valuesOverride: failingHook('post-install') }
  const release = place.handle(failure(await place.install(given), 'hook_failed').release)
  const failed = failure(
    await release.upgrade({ valuesOverride: failingHook('pre-upgrade'), atomic: true }),
    'hook_failed',
  )
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 2 })
  expect(await release.verdicts()).toEqual(['2 FAILED', '1 FAILED'])
})

test.concurrent('an install whose uninstall fails is FAILED, and its name is taken', async () => {
  const place = world.place()
  const given = { chartName: 'hooked', valuesOverride: failingHook('post-install,pre-delete'), atomic: true }
  const failed = failure(await place.install(given), 'rollback_failed')
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 1 })
  expect(await world.cluster.config(place.namespace, 'app')).not.toBeNull()
  problem(await place.install(given), 409, 'name_taken')
  // It is half uninstalled: only another uninstall helps, once its hook lets it.
  problem(
    await place.handle(failed.release).upgrade({ valuesOverride: { color: 'blue' } }),
    409,
    'uninstall_unfinished',
  )
})
