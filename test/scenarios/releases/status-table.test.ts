import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ok, type ProblemBody } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { expectToldAsPublished } from '../support/told.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

type Given = (place: Place) => Promise<ReleaseHandle>

/** SPEC section 3, the table of status and command: each row from nothing, as a user gets there. */
const given = {
  'PENDING, own operation': async (place) => {
    const { release } = await place.installing({ chartName: 'hooked', valuesOverride: { hook: { runMs: 60_000 } } })
    return release
  },
  'PENDING, external': async (place) => {
    const release = await place.installed({ chartName: 'hooked' })
    const chart = join(world.charts, 'hooked', '1.1.0')
    const slow = ['--set', 'hook.runMs=60000', '--namespace', place.namespace]
    const helm = await world.hand.startHelm('upgrade', 'app', chart, ...slow)
    await release.untilStatus('PENDING_UPGRADE')
    helm.kill()
    await helm.ended
    return release
  },
  DEPLOYED: async (place) => {
    const release = await place.installed({ chartName: 'hooked' })
    ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
    return release
  },
  'FAILED (install)': async (place) => {
    const answer = await place.install({ chartName: 'hooked', valuesOverride: { hook: { tag: 'fail' } } })
    return place.handle(failure(answer, 'hook_failed').release)
  },
  'FAILED (upgrade)': async (place) => {
    const release = await place.installed({ chartName: 'hooked' })
    failure(await release.upgrade({ valuesOverride: { hook: { tag: 'fail' } } }), 'hook_failed')
    return release
  },
  'FAILED (rollback)': async (place) => {
    const failing = { hook: { events: 'pre-rollback', tag: 'fail' } }
    const release = await place.installed({ chartName: 'hooked', valuesOverride: failing })
    ok(await release.upgrade({ valuesOverride: { hook: { tag: '1.0' } } }))
    failure(await release.rollback(1), 'hook_failed')
    // Towards the good one, so that the row's rollback has something to go to.
    return release
  },
  'FAILED (uninstall)': async (place) => {
    const failing = { hook: { events: 'pre-delete', tag: 'fail' } }
    const release = await place.installed({ chartName: 'hooked', valuesOverride: failing })
    failure(await release.uninstall(), 'hook_failed')
    return release
  },
  UNINSTALLED: async (place) => {
    const release = await place.installed({ chartName: 'hooked' })
    ok(await release.uninstall())
    return release
  },
} as const satisfies Record<string, Given>
type Row = keyof typeof given

const commands = {
  install: (place: Place) => place.install({ chartName: 'hooked' }),
  upgrade: (_: Place, release: ReleaseHandle) => release.upgrade({ valuesOverride: { hook: { tag: '1.0' } } }),
  rollback: (_: Place, release: ReleaseHandle, target: number) => release.rollback(target),
  uninstall: (_: Place, release: ReleaseHandle) => release.uninstall(),
} as const
type Command = keyof typeof commands

/** What each command meets: the status that the release has afterwards, or the code of the refusal. */
const table: Record<Row, Record<Command, string>> = {
  'PENDING, own operation': {
    install: 'name_taken',
    upgrade: 'operation_in_progress',
    rollback: 'operation_in_progress',
    uninstall: 'operation_in_progress',
  },
  'PENDING, external': {
    install: 'name_taken',
    upgrade: 'pending_elsewhere',
    rollback: 'pending_elsewhere',
    uninstall: 'pending_elsewhere',
  },
  DEPLOYED: { install: 'name_taken', upgrade: 'DEPLOYED', rollback: 'DEPLOYED', uninstall: 'UNINSTALLED' },
  'FAILED (install)': {
    install: 'name_taken',
    upgrade: 'DEPLOYED',
    rollback: 'current_revision',
    uninstall: 'UNINSTALLED',
  },
  'FAILED (upgrade)': { install: 'name_taken', upgrade: 'DEPLOYED', rollback: 'DEPLOYED', uninstall: 'UNINSTALLED' },
  'FAILED (rollback)': { install: 'name_taken', upgrade: 'DEPLOYED', rollback: 'DEPLOYED', uninstall: 'UNINSTALLED' },
  'FAILED (uninstall)': {
    install: 'name_taken',
    upgrade: 'uninstall_unfinished',
    rollback: 'wrong_status',
    uninstall: 'hook_failed',
  },
  UNINSTALLED: { install: 'DEPLOYED', upgrade: 'wrong_status', rollback: 'wrong_status', uninstall: 'wrong_status' },
}
const rollbackTarget: Partial<Record<Row, number>> = { 'FAILED (rollback)': 2 }

describe.each(Object.keys(table) as Row[])('%s', (row) => {
  const refused = (Object.keys(commands) as Command[]).filter((command) => /^[a-z_]+$/.test(table[row][command]))
  const allowed = (Object.keys(commands) as Command[]).filter((command) => !refused.includes(command))

  test.concurrent(`refuses ${refused.join(', ')}`, async () => {
    const place = world.place()
    const release = await given[row](place)
    const before = await release.read()
    for (const command of refused) {
      const { status, body } = await ask(command, row, place, release)
      const { code } = body as ProblemBody
      expect([command, code]).toEqual([command, table[row][command]])
      expect(status).toBe(code === 'hook_failed' ? 422 : 409)
    }
    if (!refused.includes('uninstall') || row !== 'FAILED (uninstall)') {
      expect(await release.read()).toMatchObject({ status: before.status, revision: before.revision })
    }
    await stopped(release)
  })

  test.concurrent.each(allowed)(`takes %s`, async (command) => {
    const place = world.place()
    const release = await given[row](place)
    const answer = await ask(command, row, place, release)
    expect(ok(answer, command === 'install' ? 201 : 200)).toMatchObject({ status: table[row][command] })
  })
})

function ask(command: Command, row: Row, place: Place, release: ReleaseHandle): Promise<Answer<unknown>> {
  return commands[command](place, release, rollbackTarget[row] ?? 1)
}

/** Ends what a row left running, so that nothing waits for it at the end. */
async function stopped(release: ReleaseHandle): Promise<void> {
  const { currentOperationId } = await release.read()
  if (currentOperationId === null) return
  await world.api.post(`/operations/${currentOperationId}/cancel`, {})
  await eventually('ended', async () => (await release.read()).currentOperationId === null)
}

test('none: every command is 404', async () => {
  const place = world.place()
  const release = place.handle({ id: place.tenantId, namespace: place.namespace, releaseName: 'app' })
  for (const command of ['upgrade', 'rollback', 'uninstall'] as const) {
    const { status, body } = await commands[command](place, release, 1)
    expect([command, status, (body as unknown as ProblemBody).code]).toEqual([command, 404, 'not_found'])
  }
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
