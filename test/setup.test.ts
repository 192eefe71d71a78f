import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

type Machine = { platform: string; arch: string; version: string; libc: string }
type Setup = {
  platformProblem(machine: Machine): string | null
  lockHash(root: string): string
  isInstalled(root: string): boolean
}
const setup: Setup = await import(new URL('../scripts/setup.mjs', import.meta.url).href)

describe('the machine', () => {
  const linux = { platform: 'linux', arch: 'x64', version: 'v20.20.2', libc: 'glibc' }

  test.each([
    ['an old Node on Linux x64 brings its successor', linux, null],
    ['a current Node anywhere is enough', { ...linux, platform: 'darwin', arch: 'arm64', version: 'v22.18.0' }, null],
    ['Node 18', { ...linux, version: 'v18.19.0' }, 'Node 20 or newer'],
    ['an old Node on another system', { ...linux, platform: 'darwin', arch: 'arm64' }, 'install Node 22.18'],
    ['an old Node without glibc', { ...linux, libc: 'no glibc' }, 'install Node 22.18'],
    [
      'a Node 22 that does not run TypeScript yet',
      { ...linux, arch: 'arm64', version: 'v22.17.0' },
      'install Node 22.18',
    ],
    ['Windows', { ...linux, platform: 'win32', version: 'v24.0.0' }, 'WSL'],
  ])('%s', (_, machine, words) => {
    const problem = setup.platformProblem(machine)
    if (words === null) expect(problem).toBeNull()
    else expect(problem).toContain(words)
  })
})

test('packages are installed again when the lock file changes', () => {
  const root = mkdtempSync(join(tmpdir(), 'flotilla-setup-'))
  try {
    writeFileSync(join(root, 'package-lock.json'), '{}')
    expect(setup.isInstalled(root)).toBe(false)
    const before = setup.lockHash(root)
    writeFileSync(join(root, 'package-lock.json'), '{"a":1}')
    expect(setup.lockHash(root)).not.toBe(before)
  } finally {
    rmSync(root, { recursive: true })
  }
})
