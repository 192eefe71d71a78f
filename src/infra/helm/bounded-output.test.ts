import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BoundedOutput } from './bounded-output.ts'

test('keeps all of what fits, and the two ends of what does not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 12 })),
      fc.integer({ min: 2, max: 40 }),
      (chunks, limit) => {
        const output = new BoundedOutput(limit)
        for (const chunk of chunks) output.write(Buffer.from(chunk))
        const all = chunks.join('')
        const half = Math.floor(limit / 2)
        expect(output.truncated).toBe(all.length > half * 2)
        const ends = `${all.slice(0, half)}\n[… cut …]\n${all.slice(-half)}`
        expect(output.text()).toBe(output.truncated ? ends : all)
      },
    ),
  )
})
