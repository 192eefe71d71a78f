import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packagedBinaries } from '../../../src/infra/database/embedded/binaries.ts'
import { FolderInUse } from '../../../src/infra/database/embedded/lock.ts'
import { shutDown } from '../../../src/infra/database/embedded/postmaster.ts'
import { identityOf, signal } from '../../../src/infra/database/embedded/processes.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/infra/database/embedded/server.ts'
import { canReach, findUser } from '../../../src/infra/database/embedded/user.ts'
import { silentLog } from '../../../src/infra/log.ts'

const isRoot = process.getuid?.() === 0
const settingsOfInterest = `select setting from pg_settings where name in ('fsync', 'full_page_writes',
  'listen_addresses', 'synchronous_commit', 'unix_socket_directories') order by name`
const nobody = { uid: 65534, gid: 65534 }
const program = fileURLToPath(new URL('../../support/leave-postgres.ts', import.meta.url))

describe('startEmbeddedPostgres', () => {
  let folder: string
  let running: EmbeddedPostgres[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-embedded-'))
    chmodSync(folder, 0o755)
    running = []
  })
  afterEach(async () => {
    for (const server of running) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const start = async (options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}) => {
    const server = await startEmbeddedPostgres({ home: join(folder, 'home'), log: silentLog, ...options })
    running.push(server)
    return server
  }

  it('finds its data and its address again', async () => {
    const first = await start()
    await query(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    const second = await start()
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('leaves no process behind when it is stopped', async () => {
    const server = await start()
    await server.stop()
    expect(identityOf(server.pid())).toBeNull()
  })

  it('is durable, and reachable by a socket in its own data folder only', async () => {
    const { url } = await start()
    const data = realpathSync(join(folder, 'home/postgres/data'))
    expect(await query(url, settingsOfInterest)).toEqual(['on', 'on', '', 'on', data].map((setting) => ({ setting })))
    expect(statSync(data).mode & 0o077).toBe(0)
  })

  it('is reachable over loopback only where its path is too long for a socket', async () => {
    const { url } = await start({ home: join(folder, 'h'.repeat(90)) })
    expect(await query(url, settingsOfInterest)).toEqual(
      ['on', 'on', '127.0.0.1', 'on', ''].map((setting) => ({ setting })),
    )
  })

  it('lets nobody in without the password', async () => {
    const { url } = await start()
    for (const password of ['', 'wrong']) {
      const address = new URL(url)
      address.password = password
      await expect(query(address.href, 'select 1')).rejects.toThrow(/password/)
    }
  })

  it('takes over the server of a process that was killed', async () => {
    const left = leave(join(folder, 'home'), {})
    const server = await start()
    expect({ pid: server.pid(), url: server.url }).toEqual(left)
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('refuses a folder that is in use', async () => {
    await start()
    await expect(start()).rejects.toBeInstanceOf(FolderInUse)
  })

  it('starts the server again when it dies, with all that was acknowledged', async () => {
    const server = await start()
    await query(server.url, 'create table acknowledged (n int)')
    for (let n = 1; n <= 3; n++) {
      const died = server.pid()
      await query(server.url, `insert into acknowledged values (${n})`)
      signal(died, 'SIGKILL')
      await expect
        .poll(() => server.pid() !== died && query(server.url, 'select n from acknowledged order by n'), {
          timeout: 20_000,
        })
        .toEqual(Array.from({ length: n }, (_, i) => ({ n: i + 1 })))
    }
  })

  it('starts over a pid file that names a process of somebody else', async () => {
    const server = await start()
    await server.kill()
    const data = join(folder, 'home/postgres/data')
    writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n0\n1\n\n127.0.0.1\n0 0\nready\n`)
    const again = await start()
    expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('starts over the lock of a socket that names a process which is no server', async () => {
    const server = await start()
    await server.kill()
    const data = join(folder, 'home/postgres/data')
    const lock = join(data, readdirSync(data).find((name) => name.endsWith('.lock')) ?? '')
    const { uid } = statSync(data)
    const other = spawn('sleep', ['60'], isRoot ? { uid } : {})
    try {
      writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, `${other.pid}`))
      const again = await start()
      expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }])
    } finally {
      other.kill()
    }
  })

  it('says so when the place it recorded is gone', async () => {
    const server = await start()
    await server.stop()
    writeFileSync(join(folder, 'home/postgres/place.json'), JSON.stringify({ server: join(folder, 'gone') }))
    await expect(start()).rejects.toThrow(/gone: restore it/)
  })

  describe.runIf(isRoot)('as root', () => {
    it('runs as another user, and keeps password and data from a third', async () => {
      const server = await start()
      expect(
        spawnSync('stat', ['-c', '%u', `/proc/${server.pid()}`])
          .stdout.toString()
          .trim(),
      ).not.toBe('0')
      for (const path of ['password', 'postgres.log', 'place.json', 'data/PG_VERSION']) {
        const read = spawnSync('cat', [join(folder, 'home/postgres', path)], { uid: 12345, gid: 12345 })
        expect(read.status, path).not.toBe(0)
      }
    })

    it('works from closed folders by a copy whose bytes are checked', async () => {
      const system = [join(folder, 'system')]
      const closed = join(folder, 'closed')
      mkdirSync(closed, { mode: 0o700 })
      cpSync(packagedBinaries(), join(closed, 'native'), { recursive: true })
      const options = { home: join(closed, 'home'), binaries: join(closed, 'native'), system }
      const first = await start(options)
      await query(first.url, 'create table kept as select 42 as answer')
      await first.stop()
      const copy = readdirSync(join(folder, 'system')).find((name) => name.startsWith('postgres-')) ?? ''
      writeFileSync(join(folder, 'system', copy, 'bin/postgres'), '#!/bin/sh\nexit 3\n')
      const second = await start(options)
      expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    })

    it('refuses the copy of a folder whose database lies elsewhere: it is that of the original; one that moved is found', async () => {
      const closed = join(folder, 'closed')
      mkdirSync(closed, { mode: 0o700 })
      const options = (home: string) => ({ home: join(closed, home), system: [join(folder, 'system')] })
      const first = await start(options('home'))
      await query(first.url, 'create table kept as select 42 as answer')
      cpSync(join(closed, 'home'), join(closed, 'copy'), { recursive: true })
      await expect(start(options('copy'))).rejects.toThrow(/copy\/postgres is a copy of .*home\/postgres/)
      await first.stop()
      await expect(start(options('copy'))).rejects.toThrow(/is a copy of/)
      renameSync(join(closed, 'home'), join(closed, 'moved'))
      const moved = await start(options('moved'))
      expect(await query(moved.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    })

    it.runIf(canReach(program, nobody) && canReach(process.execPath, nobody))('works as an ordinary user', async () => {
      const home = join(folder, 'home')
      mkdirSync(home, { mode: 0o700 })
      chownSync(home, nobody.uid, nobody.gid)
      const left = leave(home, nobody)
      expect(
        spawnSync('stat', ['-c', '%u', `/proc/${left.pid}`])
          .stdout.toString()
          .trim(),
      ).toBe('65534')
      await shutDown(join(home, 'postgres/data'), left.pid)
    })
  })
})

describe('findUser', () => {
  it('reads the numbers of a user, and never gives root', () => {
    const passwd = 'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\npostgres:x:101:104:PostgreSQL:/var/lib:/bin/sh\n'
    expect(findUser(passwd, 'postgres')).toEqual({ uid: 101, gid: 104 })
    expect(findUser(passwd, 'toor')).toBeNull()
    expect(findUser(passwd, 'nobody')).toBeNull()
  })
})

/** Runs a process that starts PostgreSQL and is killed; returns what it left. */
function leave(home: string, user: { uid?: number; gid?: number }): { readonly pid: number; readonly url: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [program, home], { ...user, env: { HOME: home } })
  if (stdout.length === 0) throw new Error(stderr.toString())
  return JSON.parse(stdout.toString()) as { pid: number; url: string }
}

async function query(url: string, statement: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return (await client.query(statement).finally(() => client.end())).rows
}
