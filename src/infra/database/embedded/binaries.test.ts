import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { canReach, type SystemUser } from './user.ts'

const stranger: SystemUser = { uid: 65_533, gid: 65_533 }
const files = ['bin/postgres', 'bin/initdb', 'lib/libpq.so', 'share/postgresql/extension/plpgsql.control']
const program = fileURLToPath(new URL('./binaries.ts', import.meta.url))

/** Where nobody of the system is kept out above it. */
let open: string
let packaged: string
beforeEach(() => {
  open = mkdtempSync(join(tmpdir(), 'flotilla-binaries-'))
  chmodSync(open, 0o755)
  packaged = join(open, 'closed/native')
  for (const file of files) {
    mkdirSync(join(packaged, file, '..'), { recursive: true })
    writeFileSync(join(packaged, file), file)
  }
  writeFileSync(join(packaged, 'pg-symlinks.json'), '[]')
  chmodSync(join(open, 'closed'), 0o700)
})
afterEach(() => rmSync(open, { recursive: true }))

/** As a start does it, by a process with a umask of its own: that of this one belongs to all threads. Answers the copy. */
function preparedUnder(umask: string): string {
  const reach = JSON.stringify({ user: stranger, system: [join(open, 'system')] })
  const call = `prepareBinaries(${JSON.stringify(packaged)}, ${JSON.stringify(join(open, 'links'))}, ${reach})`
  const script = `const { prepareBinaries } = await import(${JSON.stringify(program)}); ${call}`
  const node = [process.execPath, '--input-type=module', '--eval', script]
  const run = spawnSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...node], { encoding: 'utf8' })
  expect(run.status, run.stderr).toBe(0)
  const [copy = ''] = readdirSync(join(open, 'system'))
  return join(open, 'system', copy)
}

const unreached = (copy: string) => files.filter((file) => !canReach(join(copy, file), stranger))

test('the copy is within reach of the user of the server, whatever the umask of whoever starts', () => {
  expect(unreached(preparedUnder('077'))).toEqual([])
})

test('a copy whose folders an earlier start has closed is opened again', () => {
  const copy = preparedUnder('022')
  chmodSync(join(copy, 'share'), 0o700)
  chmodSync(join(copy, 'share/postgresql'), 0o700)
  expect(unreached(copy)).toHaveLength(1)
  expect(preparedUnder('022')).toBe(copy)
  expect(unreached(copy)).toEqual([])
})
