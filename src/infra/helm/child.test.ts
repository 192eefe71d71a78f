import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type ChildLimits, runChild } from './child.ts'

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
const sh = (script: string, more: Partial<ChildLimits> = {}, args: readonly string[] = []) =>
  runChild(
    {
      binary: '/bin/sh',
      args: ['-c', script, 'sh', ...args],
      env: { PATH: '/usr/bin:/bin', A: 'b' },
      folder: tmpdir(),
    },
    { ...limits, ...more },
  )
const abortSoon = () => AbortSignal.timeout(100)

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
  expect(await runChild(command, limits)).toMatchObject({ end: 'exited', code: 127 })
})
