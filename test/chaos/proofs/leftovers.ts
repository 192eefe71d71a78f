import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseReader } from '../database-reader.ts'
import { helmsOf } from '../processes.ts'

/** No helm, no lease, no open attempt and no folder of an attempt is left. */
export async function proveNothingLeft(home: string, database: DatabaseReader): Promise<readonly string[]> {
  const helms = (await helmsOf(home)).map(({ pid, parent }) => `helm ${pid} (of ${parent}) still runs`)
  const inDatabase = (await database.leftBehind()).map(({ what }) => `${what} is left`)
  return [...helms, ...inDatabase, ...(await attemptFolders(home))]
}

async function attemptFolders(home: string): Promise<readonly string[]> {
  const servers = (await readdir(home)).filter((name) => /^server-\d+$/.test(name))
  const found = await Promise.all(servers.map((server) => readdir(join(home, server, 'work'), { recursive: true })))
  return found.flatMap((names, n) =>
    names
      .filter((name) => /^[^/]+\/a-[^/]+$/.test(name))
      .map((name) => `the folder ${servers[n]}/work/${name} is left`),
  )
}
