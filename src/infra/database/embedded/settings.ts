import { join } from 'node:path'

/** What every embedded server runs with: durable and small. */
const settings: Readonly<Record<string, string>> = {
  max_connections: '60',
  shared_buffers: '32MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '256MB',
  min_wal_size: '64MB',
  huge_pages: 'off',
  io_method: 'sync',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '2',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
}

/** For tests only: a crash of the machine may lose the data, and nobody tidies up. */
export const notDurable: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
}

/**
 * Where a server is reached: by a socket in a folder, or, where there is none, over loopback. The port is part of the
 * socket's name.
 */
export type Address = { readonly socketFolder: string | null; readonly port: number }

/** What the system can hold as the path of a socket, without the byte that ends it. */
const longestSocketPath = 107

/**
 * The address of a server that is to be started: a socket in its data folder, which nobody else may enter, and which
 * costs half of what loopback costs; loopback where the path of the folder is too long for a socket.
 */
export function addressIn(data: string, port: number): Address {
  const fits = Buffer.byteLength(join(data, `.s.PGSQL.${port}`)) <= longestSocketPath
  return { socketFolder: fits ? data : null, port }
}

/** The arguments of the server program. They win over `postgresql.conf`, so an edited file opens nothing. */
export function serverArguments(
  data: string,
  { socketFolder, port }: Address,
  more: Readonly<Record<string, string>>,
): readonly string[] {
  const listen = {
    listen_addresses: socketFolder === null ? '127.0.0.1' : '',
    unix_socket_directories: socketFolder ?? '',
    port: String(port),
  }
  const all = Object.entries({ ...settings, ...more, ...listen })
  return ['-D', data, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** The arguments of `initdb`. Its default would let every local user in as superuser. */
export function initArguments(data: string, passwordFile: string): readonly string[] {
  return [
    ...['-D', data, '-U', superuser, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
  ]
}

export const superuser = 'flotilla'

/** The address of the server as a URL, with its password. Never log it. */
export function serverUrl({ socketFolder, port }: Address, password: string): string {
  const host = socketFolder === null ? '' : `?host=${encodeURIComponent(socketFolder)}`
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres${host}`
}
