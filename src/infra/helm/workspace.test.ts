import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childEnvironment, openAttempt, openWorkspace } from './workspace.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-workspace-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const mode = async (path: string) => (await stat(path)).mode & 0o777

test('an attempt has a closed folder with closed files, and leaves nothing', async () => {
  const workspace = await openWorkspace(root)
  const files = await openAttempt(workspace, { chart: { bytes: Buffer.from('c') }, values: { a: 1 }, kubeconfig: 'k' })
  expect(await mode(files.folder)).toBe(0o700)
  for (const path of [files.chartPath, files.valuesPath, files.kubeconfigPath]) expect(await mode(path)).toBe(0o600)
  expect(await readFile(files.valuesPath, 'utf8')).toBe('{"a":1}')
  files.remove()
  expect(await readdir(workspace.folder)).toEqual([])
})

test('a chart that lies in a file is used from there', async () => {
  const files = await openAttempt(await openWorkspace(root), { chart: { path: '/charts/a.tgz' } })
  expect(files.chartPath).toBe('/charts/a.tgz')
})

test('the environment has no plugins and no folder outside the attempt', async () => {
  const files = await openAttempt(await openWorkspace(root), {})
  const { PATH, GOGC, GOMEMLIMIT, KUBECACHEDIR, ...folders } = childEnvironment(files)
  expect([PATH, GOGC, GOMEMLIMIT, KUBECACHEDIR]).toEqual(['/usr/bin:/bin', 'off', '256MiB', '/dev/null'])
  for (const folder of Object.values(folders)) expect(folder.startsWith(files.folder)).toBe(true)
})

test('what dead workers left is removed; living ones and other files are left alone', async () => {
  const child = execFile('/bin/true')
  const dead = child.pid ?? 0
  await new Promise((resolve) => child.once('close', resolve))
  await mkdir(join(root, `worker-${dead}-7`, 'a-1'), { recursive: true })
  await mkdir(join(root, `worker-${process.pid}-1`))
  await mkdir(join(root, 'other'))
  const first = await openWorkspace(root)
  const again = await openWorkspace(root)
  expect(again).toEqual(first)
  expect((await readdir(root)).sort()).toEqual(['other', first.folder.slice(root.length + 1)])
})
