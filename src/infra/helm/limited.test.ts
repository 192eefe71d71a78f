import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VirtualClock } from '../kubernetes/testing/virtual-clock.ts'
import type { HelmBinary } from './binary.ts'
import type { ChildOutcome } from './child.ts'
import type { Gateway } from './gateway/gateway.ts'
import { HelmProcess } from './helm.ts'
import { limitTemplates } from './limited.ts'
import type { Helm, Rendered, TemplateContext, TemplateSpec } from './types.ts'
import { closeWorkspace, openWorkspace } from './workspace.ts'

const spec = {} as TemplateSpec
const contextOf = (tenantId: string): TemplateContext => ({ limitMs: 30_000, tenantId })
const rendered: Rendered = { manifest: '', objects: [] }

test('never more at once than allowed, round robin over tenants, also after a failure', async () => {
  let running = 0
  let most = 0
  const order: string[] = []
  const ends: (() => void)[] = []
  let calls = 0
  const helm = {
    template: async (_spec: TemplateSpec, { tenantId }: TemplateContext) => {
      const call = calls++
      running += 1
      most = Math.max(most, running)
      order.push(tenantId)
      await new Promise<void>((resolve) => ends.push(resolve))
      running -= 1
      if (call === 1) throw new Error('simulated')
      return rendered
    },
  } as unknown as Helm
  const limited = limitTemplates(helm, 2)
  const all = Promise.allSettled(['a', 'a', 'a', 'b', 'b'].map((tenant) => limited.template(spec, contextOf(tenant))))
  for (let ended = 0; ended < 5; ) {
    await Promise.resolve()
    const end = ends.shift()
    if (end === undefined) continue
    end()
    ended += 1
  }
  const outcomes = (await all).map(({ status }) => status)
  expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(order).toEqual(['a', 'b', 'a', 'b', 'a'])
  expect(most).toBe(2)
})

test('each has its whole time from when its turn comes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-limited-'))
  const clock = new VirtualClock()
  const workspace = await openWorkspace(folder)
  const given: number[] = []
  const outcome: ChildOutcome = { end: 'exited', code: 0, stdout: '', stdoutTruncated: false, stderr: '' }
  const helm = new HelmProcess({
    binary: { path: 'helm' } as HelmBinary,
    gateway: {} as Gateway,
    workspace,
    clock,
    run: async (_command, { deadlineMs }) => {
      given.push(deadlineMs)
      await clock.advance(40_000)
      return outcome
    },
  })
  const limited = limitTemplates(helm, 1)
  const context = contextOf('a')
  const chart = { bytes: Buffer.from('chart') }
  const one = { release: 'a', namespace: 'b', chart, values: {}, kubeVersion: '1.35.0' }
  await Promise.all([limited.template(one, context), limited.template(one, context)])
  expect(given).toEqual([30_000, 30_000])
  await closeWorkspace(workspace)
  await rm(folder, { recursive: true, force: true })
})
