import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ConfigError } from '../config.ts'
import { prepareFolders } from './folders.ts'

const folder = mkdtempSync(join(tmpdir(), 'flotilla-folders-'))
afterAll(() => rmSync(folder, { recursive: true }))

const refusalOf = (home: string, chartFolders: readonly string[] = []): unknown => {
  try {
    prepareFolders({ home, chartFolders })
    return null
  } catch (error) {
    return error
  }
}

test('the data folder is made, however deep, and may be there already', () => {
  const home = join(folder, 'a', 'b', 'c')
  expect([refusalOf(home), refusalOf(home, [folder])]).toEqual([null, null])
  expect(statSync(home).isDirectory()).toBe(true)
})

test('a data folder that cannot be is one line that names the setting', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const impossible = [file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/x', '/proc/x/y'] : [])]
  for (const home of impossible) {
    const refusal = refusalOf(home)
    expect(refusal).toBeInstanceOf(ConfigError)
    expect((refusal as Error).message).toMatch(/^FLOTILLA_HOME must [^\n]+$/)
    expect((refusal as Error).message).toContain(home)
  }
})

test('a chart folder that is not there is one line that names the setting', () => {
  for (const missing of [join(folder, 'nowhere'), join(folder, 'file')]) {
    const refusal = refusalOf(folder, [folder, missing])
    expect(refusal).toBeInstanceOf(ConfigError)
    expect((refusal as Error).message).toMatch(/^CHART_FOLDERS must [^\n]+$/)
    expect((refusal as Error).message).toContain(missing)
  }
})
