import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { canReach } from '../../../src/infra/database/embedded/user.ts'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { Api } from '../support/api.ts'
import { ClusterView } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { removeFlotilla, startFlotilla } from '../support/flotilla.ts'

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

/** The process whose command line has all of these words. */
async function pidOf(...words: readonly string[]): Promise<number> {
  for (const name of await readdir('/proc')) {
    const line = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '') : ''
    if (words.every((word) => line.includes(word))) return Number(name)
  }
  throw new Error(`no process of ${words.join(' ')}`)
}

test('a practice cluster that dies is started again on its port, and the work goes on', async () => {
  const flotilla = await startFlotilla()
  try {
    const before = await readFile(flotilla.kubeconfig, 'utf8')
    const killed = await pidOf('practice-cluster', flotilla.home)
    process.kill(killed, 'SIGKILL')
    await eventually('it is said', async () =>
      flotilla.log.join('\n').includes('the practice cluster died and is started'),
    )
    // It may be back before anybody has asked whether it is away.
    await eventually('another one runs', async () => (await pidOf('practice-cluster', flotilla.home)) !== killed)
    const cluster = new ClusterView(flotilla.kubeconfig)
    await eventually('it answers', async () => cluster.client.list(resources.namespaces, {})).finally(() =>
      cluster.close(),
    )
    await eventually('Flotilla has it back', async () => (await fetch(`${flotilla.url}/readyz`)).status === 200)
    expect(await readFile(flotilla.kubeconfig, 'utf8')).toBe(before)
  } finally {
    await removeFlotilla(flotilla)
  }
  await expect(pidOf('practice-cluster', flotilla.home)).rejects.toThrow('no process')
})

test('a start that fails ends by itself, leaves no part running, and the next one works', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-scenario-'))
  const env = { PATH: process.env.PATH ?? '', HOME: home, FLOTILLA_HOME: home, PORT: '0' }
  const child = spawn(process.execPath, [main, 'serve', '--no-sample'], {
    env: { ...env, DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(2)
  expect(said).toMatch(/^Flotilla: DATABASE_URL: [^\n]+\n$/)
  await expect(pidOf('practice-cluster', home)).rejects.toThrow('no process')
  await removeFlotilla(await startFlotilla({ home }))
  await rm(home, { recursive: true, force: true })
})

type Refused = { readonly code: number | null; readonly said: string }

/** What a start that must be refused says, and its exit code. */
async function refusedStart(home: string, as: { readonly uid?: number; readonly gid?: number } = {}): Promise<Refused> {
  const env = { PATH: process.env.PATH ?? '', HOME: home, FLOTILLA_HOME: home, PORT: '0', LOG_LEVEL: 'fatal' }
  // One that is not refused would go on for ever.
  const child = spawn(process.execPath, [main, 'serve', '--no-sample'], {
    ...{ env, timeout: 50_000, ...as },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}

test('a second start in the same data folder is refused in one line, and the first goes on', async () => {
  const flotilla = await startFlotilla()
  try {
    const { code, said } = await refusedStart(flotilla.home)
    expect(said).toMatch(/^Flotilla: FLOTILLA_HOME: The data folder is in use by process \d+ [^\n]*\n$/)
    expect(code).toBe(2)
    expect((await fetch(`${flotilla.url}/readyz`)).status).toBe(200)
  } finally {
    await removeFlotilla(flotilla)
  }
})

test('a data folder whose record is broken is refused in one line that names the file', async () => {
  const flotilla = await startFlotilla()
  try {
    await flotilla.stop()
    const record = join(flotilla.home, 'postgres', 'place.json')
    const kept = await readFile(record, 'utf8')
    for (const broken of ['', '{"server":', '{"server":7}']) {
      await writeFile(record, broken)
      const { code, said } = await refusedStart(flotilla.home)
      expect(said).toMatch(/^Flotilla: FLOTILLA_HOME: [^\n]*place\.json cannot be read: [^\n]*\n$/)
      expect(code).toBe(2)
    }
    await writeFile(record, kept)
    await (await startFlotilla({ home: flotilla.home })).stop()
  } finally {
    await removeFlotilla(flotilla)
  }
})

/** The line that refuses a folder of the practice cluster. */
const unusable = (home: string, why: string) =>
  new RegExp(`^Flotilla: FLOTILLA_HOME: [^\\n]*${join(home, 'practice-cluster')} [^\\n]*${why}[^\\n]*\\n$`)

test('a folder of the practice cluster that is none is refused in one line that names it and says why', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-scenario-'))
  await writeFile(join(home, 'practice-cluster'), '')
  const { code, said } = await refusedStart(home)
  expect(said).toMatch(unusable(home, 'EEXIST'))
  expect(code).toBe(2)
  await rm(home, { recursive: true, force: true })
})

/** One that the mode of a folder holds back; root is held back by none. */
const nobody = { uid: 65_534, gid: 65_534 }
const ordinary = process.getuid?.() === 0 ? nobody : {}
const mayTry = process.getuid?.() !== 0 || (canReach(main, nobody) && canReach(process.execPath, nobody))

test.runIf(mayTry)('so is one that may not be written', async () => {
  const home = await mkdtemp(join(tmpdir(), 'flotilla-scenario-'))
  const folder = join(home, 'practice-cluster')
  await mkdir(folder)
  for (const path of [home, folder]) if (process.getuid?.() === 0) await chown(path, nobody.uid, nobody.gid)
  await chmod(folder, 0o500)
  const { code, said } = await refusedStart(home, ordinary)
  expect(said).toMatch(unusable(home, 'EACCES'))
  expect(code).toBe(2)
  await chmod(folder, 0o700)
  await rm(home, { recursive: true, force: true })
})

test('a caller that asks faster than its rate is told when to ask again', async () => {
  const flotilla = await startFlotilla({ env: { REQUESTS_PER_SECOND: '1' } })
  try {
    const api = new Api(flotilla.url, flotilla.adminKey)
    const answers = await Promise.all(Array.from({ length: 200 }, () => api.get('/me')))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(refused.map(() => '1'))
    expect(answers.filter(({ status }) => status !== 429 && status !== 200)).toEqual([])
    expect(answers.some(({ status }) => status === 200)).toBe(true)
  } finally {
    await removeFlotilla(flotilla)
  }
})
