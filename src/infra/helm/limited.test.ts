import { expect, test } from 'vitest'
import { limitTemplates } from './limited.ts'
import type { Helm, Rendered, TemplateContext, TemplateSpec } from './types.ts'

const spec = {} as TemplateSpec
const context = {} as TemplateContext
const rendered: Rendered = { manifest: '', objects: [] }

test('never more at once than allowed, all in their turn, also after a failure', async () => {
  let running = 0
  let most = 0
  const order: number[] = []
  const ends: (() => void)[] = []
  let calls = 0
  const helm = {
    template: async () => {
      const call = calls++
      running += 1
      most = Math.max(most, running)
      order.push(call)
      await new Promise<void>((resolve) => ends.push(resolve))
      running -= 1
      if (call === 1) throw new Error('simulated')
      return rendered
    },
  } as unknown as Helm
  const limited = limitTemplates(helm, 2)
  const all = Promise.allSettled([0, 1, 2, 3, 4].map(() => limited.template(spec, context)))
  for (let ended = 0; ended < 5; ) {
    await Promise.resolve()
    const end = ends.shift()
    if (end === undefined) continue
    end()
    ended += 1
  }
  const outcomes = (await all).map(({ status }) => status)
  expect(outcomes).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
  expect(order).toEqual([0, 1, 2, 3, 4])
  expect(most).toBe(2)
})
