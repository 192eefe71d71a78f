import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-run-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

test('migrate says in one line that a setting is wrong', async () => {
  const env = { PATH: process.env.PATH, FLOTILLA_HOME: home, DATABASE_URL: 'postgres://127.0.0.1:1/flotilla' }
  const ended = await new Promise((resolve) =>
    execFile(process.execPath, [main, 'migrate'], { env }, (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    ),
  )
  expect(ended).toEqual({ code: 2, stderr: expect.stringMatching(/^Flotilla: DATABASE_URL: .*\n$/) })
})
