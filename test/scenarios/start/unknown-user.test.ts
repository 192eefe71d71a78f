import { spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { canReach } from '../../../src/infra/database/embedded/user.ts'

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
/** A container may run as a number that no user of its system has. */
const user = { uid: 42_421, gid: 42_421 }
const mayTry = process.getuid?.() === 0 && canReach(main, user) && canReach(process.execPath, user)

test.runIf(mayTry)('a user whom the system does not know is told in one line what is missing', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-unknown-user-'))
  await chown(home, user.uid, user.gid)
  try {
    const env = { PATH: process.env.PATH, FLOTILLA_HOME: home, PORT: '0' }
    // One that is not refused would go on for ever.
    const options = { ...user, env, cwd: home, timeout: 50_000 }
    const child = spawn(process.execPath, [main, 'serve', '--no-sample'], options)
    const told: string[] = []
    child.stderr.on('data', (text) => told.push(String(text)))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(told.join('')).toMatch(/^Flotilla: .*user 42421 has no entry in \/etc\/passwd.*DATABASE_URL.*\n$/)
    expect(code).toBe(2)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
