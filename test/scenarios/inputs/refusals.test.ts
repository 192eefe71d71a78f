import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Problem } from '../fleet/api.ts'
import { fleet, lists } from './fleet-cases.ts'
import { everything, type Given, openGiven, pathOf } from './given.ts'
import { platform } from './platform-cases.ts'
import type { Refusal } from './refusal.ts'
import { registry } from './registry-cases.ts'
import { install, others, rollback, upgrade } from './release-cases.ts'
import { webhooks } from './webhook-cases.ts'

const refusals: Readonly<Record<string, readonly Refusal[]>> = {
  install,
  upgrade,
  rollback,
  'uninstall, recover, unfreeze': others,
  fleet,
  'reads and operations': lists,
  'tenants, keys and chart sources': platform,
  registry,
  webhooks,
}

let given: Given
let before: unknown
beforeAll(async () => {
  given = await openGiven()
  before = await everything(given)
})
afterAll(() => given?.world.stop())

const send = ({ as, method, path, body, headers }: Refusal): Promise<Answer<Problem>> =>
  given.callers[as].send<Problem>(method, pathOf(given, path), body, headers)

for (const [what, cases] of Object.entries(refusals)) {
  describe(`refused, and nothing changes: ${what}`, () => {
    afterEach(async () => {
      const was = before
      before = await everything(given)
      expect(before).toEqual(was)
    })

    test.each(cases.map((refusal) => [`${refusal.method} ${shown(refusal.path)}: ${refusal.what}`, refusal] as const))(
      '%s',
      async (_, refusal) => {
        const { status, headers, body, text } = await send(refusal)
        expect([status, body.code], text).toEqual([refusal.status, refusal.code])
        expect(headers.get('content-type')).toContain('application/problem+json')
        if (refusal.pointer !== undefined) expect(body.errors?.map(({ pointer }) => pointer)).toContain(refusal.pointer)
        // In words of this API, not of the library that reads its schemas.
        for (const { message } of body.errors ?? []) expect(message).toMatch(/^[a-z]/)
        if (body.code === 'wrong_status') {
          expect(body).toMatchObject({ releaseStatus: 'UNINSTALLED', allowed: ['recover'] })
        }
        expect(body.detail).not.toBe('')
        expect(text).not.toMatch(/\bat .+\.(ts|js):\d+|node_modules|password/)
      },
    )
  })
}

function shown(path: string): string {
  return path.length > 80 ? `${path.slice(0, 80)}…` : path
}
