import type { NetConnectOpts } from 'node:net'
import { Client } from 'pg'

/** Where a server is, by the driver's own reading of its URL: a port, or a socket in a folder. */
export function addressOf(databaseUrl: string): NetConnectOpts {
  const { host, port } = new Client({ connectionString: databaseUrl })
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
}

/** The address of the same database by way of a port of this machine. */
export function throughPort(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl)
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return url.href
}
