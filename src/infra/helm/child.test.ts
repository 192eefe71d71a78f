import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { type ChildLimits, type RunChild, runChild } from './child.ts'
import { Launcher } from './launcher/launcher.ts'

const never = new AbortController().signal
const limits: ChildLimits = {
  deadlineMs: 15_000,
  cancel: never,
  lost: never,
  onCancel: 'terminate',
  graceMs: 15_000,
  addressSpaceBytes: 2 * 1024 ** 3,
  cpuSeconds: 10,
  outputBytes: 4096,
}
const shellOf =
  (run: RunChild) =>
  (script: string, more: Partial<ChildLimits> = {}, args: readonly string[] = []) => {
    const env = { PATH: '/usr/bin:/bin', A: 'b' }
    return run(
      { binary: '/bin/sh', args: ['-c', script, 'sh', ...args], env, folder: tmpdir() },
      { ...limits, ...more },
    )
  }
const abortSoon = () => AbortSignal.timeout(100)

const launcher = new Launcher()
afterAll(() => launcher.close())
const runners: readonly (readonly [string, RunChild])[] = [
  ['this process', runChild],
  ['a launcher', launcher.run],
]

describe.each(runners)('a child of %s', (_name, run) => {
  const sh = shellOf(run)

  test('says how it ended and what it printed', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
      end: 'exited',
      code: 3,
      stdout: 'out\n',
      stdoutTruncated: false,
      stderr: 'err\n',
    })
  })

  test('gets the given environment and nothing else, and arguments as they are', async () => {
    const { stdout } = await sh('env | cut -d= -f1 | sort; echo "$1"', {}, ['$(id) "x"; exit'])
    expect(stdout.split('\n').filter((line) => !['_', 'PWD', 'OLDPWD', 'SHLVL', ''].includes(line))).toEqual([
      'A',
      'PATH',
      '$(id) "x"; exit',
    ])
  })

  test('runs within limits that hold without its parent', async () => {
    const { stdout } = await sh('ulimit -v; ulimit -t; umask; ps -o sid= -p $$ | tr -d " "; echo $$')
    const [memory, cpu, mask, session, pid] = stdout.split('\n')
    expect([memory, cpu, mask]).toEqual(['2097152', '10', '0077'])
    expect(session).toBe(pid)
  })

  test('the CPU limit ends a loop', async () => {
    const { end, code } = await sh('while :; do :; done', { cpuSeconds: 1 })
    expect([end, code]).toEqual(['exhausted', null])
  })

  test('a signal of somebody else is told from our own reasons', async () => {
    const { end, code } = await sh('kill -KILL $$', { cpuSeconds: 3600 })
    expect([end, code]).toEqual(['killed', null])
  })

  test('is killed at the deadline, whatever it does with signals', async () => {
    const { end, code } = await sh('trap "" TERM; while :; do sleep 0.05; done', { deadlineMs: 200 })
    expect([end, code]).toEqual(['deadline', null])
  })

  test('a cancelled one may end in order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-child-'))
    const ready = join(folder, 'ready')
    const cancel = new AbortController()
    const script = 'trap "echo bye; exit 1" TERM; : > "$1"; while :; do sleep 0.05; done'
    const run = sh(script, { cancel: cancel.signal }, [ready])
    while (!existsSync(ready)) await sleep(5)
    cancel.abort()
    expect(await run).toMatchObject({ end: 'cancelled', stdout: 'bye\n' })
    await rm(folder, { recursive: true })
  })

  test('a cancelled one that does not end is killed after its grace', async () => {
    const run = sh('trap "" TERM; while :; do sleep 0.05; done', { cancel: abortSoon(), graceMs: 100 })
    expect(await run).toMatchObject({ end: 'cancelled', code: null })
  })

  test('a cancelled one without a handler is killed at once', async () => {
    const run = sh('trap "echo bye" TERM; while :; do sleep 0.05; done', { cancel: abortSoon(), onCancel: 'kill' })
    expect(await run).toMatchObject({ end: 'cancelled', code: null, stdout: '' })
  })

  test('is killed when the lease is lost, also before it began', async () => {
    expect(await sh('sleep 10', { lost: abortSoon() })).toMatchObject({ end: 'lost', code: null })
    expect(await sh('sleep 10', { lost: AbortSignal.abort() })).toMatchObject({ end: 'lost', code: null })
  })

  test('a program that is not there is an outcome, not an exception', async () => {
    const command = { binary: '/nonexistent', args: [], env: {}, folder: tmpdir() }
    expect(await run(command, limits)).toMatchObject({ end: 'exited', code: 127 })
  })
})

describe('a launcher', () => {
  const sh = shellOf(launcher.run)
  /** The session of a run is its own, and its parent is the launcher. */
  const parent = async () => Number((await sh('ps -o ppid= -p $$')).stdout)

  test('that is killed leaves its runs as killed, and the next one starts another', async () => {
    const first = await parent()
    const run = sh('sleep 30')
    process.kill(first, 'SIGKILL')
    expect(await run).toMatchObject({ end: 'killed', code: null })
    expect(await parent()).not.toBe(first)
  })

  test('holds no environment', async () => {
    const environment = await readFile(`/proc/${await parent()}/environ`, 'utf8')
    expect(environment.split('\0').map((entry) => entry.split('=')[0])).toEqual([
      'NODE_CHANNEL_FD',
      expect.anything(),
      '',
    ])
  })

  test('is killed when it is stopped while it has work, and the next run gets another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-child-'))
    const file = join(folder, 'pids')
    const other = new Launcher({ silenceMs: 2_000 })
    const script = 'echo $PPID $$ > "$1.new"; mv "$1.new" "$1"; exec sleep 30'
    const run = shellOf(other.run)(script, {}, [file])
    while (!existsSync(file)) await sleep(5)
    const [launcherPid = 0, pid = 0] = (await readFile(file, 'utf8')).trim().split(' ').map(Number)
    process.kill(launcherPid, 'SIGSTOP')
    expect(await run).toMatchObject({ end: 'killed', code: null })
    process.kill(pid, 'SIGKILL')
    expect(await shellOf(other.run)('sleep 1; echo again')).toMatchObject({ end: 'exited', stdout: 'again\n' })
    await other.close()
    await rm(folder, { recursive: true })
  })

  test('that is stopped and idle is killed when it is closed', async () => {
    const other = new Launcher({ silenceMs: 2_000 })
    const pid = Number((await shellOf(other.run)('ps -o ppid= -p $$')).stdout)
    process.kill(pid, 'SIGSTOP')
    await other.close()
    expect(() => process.kill(pid, 0)).toThrow()
  })

  test('ends its programs when the server is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-child-'))
    const file = join(folder, 'pid')
    const other = new Launcher()
    const run = shellOf(other.run)('echo $$ > "$1.new"; mv "$1.new" "$1"; exec sleep 30', {}, [file])
    while (!existsSync(file)) await sleep(5)
    await other.close()
    expect(await run).toMatchObject({ code: null })
    const pid = (await readFile(file, 'utf8')).trim()
    const state = async () => /State:\s+(\S)/.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1]
    while (!['Z', undefined].includes(await state())) await sleep(5)
    await rm(folder, { recursive: true })
  })
})
