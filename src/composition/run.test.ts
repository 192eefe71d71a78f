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

/** `migrate` with a setting that is wrong: it loads everything and ends at once. */
function migrateWrongly(more: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env.PATH, FLOTILLA_HOME: home, DATABASE_URL: 'postgres://127.0.0.1:1/flotilla', ...more }
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, [main, 'migrate'], { env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error?.code, stdout, stderr }),
    ),
  )
}

test('migrate says in one line that a setting is wrong', async () => {
  expect(await migrateWrongly()).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^Flotilla: DATABASE_URL: .*\n$/),
  })
})

test('what a start has compiled serves the next one', async () => {
  await migrateWrongly()
  const { stdout, stderr } = await migrateWrongly({ NODE_DEBUG_NATIVE: 'COMPILE_CACHE' })
  expect(`${stdout}${stderr}`).toMatch(/V8 code cache for ESM file:.*composition\/run\.ts was accepted/)
})
