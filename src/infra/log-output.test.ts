import { execFileSync } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { logOutput } from './log-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'flotilla-log-'))
afterEach(() => void vi.useRealTimers())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('lines are written together, in their order, a moment later', () => {
  vi.useFakeTimers()
  const file = join(folder, 'log')
  const output = logOutput(openSync(file, 'w'))
  for (const line of ['a\n', 'b\n']) output.write(line)
  expect(readFileSync(file, 'utf8')).toBe('')
  vi.advanceTimersByTime(10)
  expect(readFileSync(file, 'utf8')).toBe('a\nb\n')
  output.write('c\n')
  vi.advanceTimersByTime(10)
  expect(readFileSync(file, 'utf8')).toBe('a\nb\nc\n')
})

test('many lines do not wait', () => {
  vi.useFakeTimers()
  const file = join(folder, 'many')
  const output = logOutput(openSync(file, 'w'))
  const line = `${'x'.repeat(99)}\n`
  for (let written = 0; written < 100; written++) output.write(line)
  const early = readFileSync(file, 'utf8')
  expect(early).toBe(line.repeat(82))
  vi.advanceTimersByTime(10)
  expect(readFileSync(file, 'utf8')).toBe(line.repeat(100))
})

const module = fileURLToPath(new URL('log-output.ts', import.meta.url))
const printedBy = (end: string): string => {
  const code = `const { logOutput } = await import(${JSON.stringify(module)}); logOutput().write('last words\\n'); ${end}`
  try {
    return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    return String((error as { stdout: unknown }).stdout)
  }
}

test.each(['', 'process.exit(0)', 'throw new Error("nobody catches it")'])('nothing is lost at the end: %s', (end) => {
  expect(printedBy(end)).toBe('last words\n')
})
