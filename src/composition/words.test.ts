import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { typed } from './words.ts'

test.each(['/plain/path-1', '/with space/ü', "/it's/$HOME/`x`", '/a;b&c'])('a shell reads %s as it is', (path) => {
  expect(execFileSync('sh', ['-c', `printf %s ${typed(path)}`]).toString()).toBe(path)
})

test('what needs no quotes has none', () => expect(typed('/srv/flotilla/admin.key')).toBe('/srv/flotilla/admin.key'))
