import type { Client } from 'pg'

/**
 * A whole database as text: a line that names the steps of its schema, then a line for each sequence and for each row.
 * Rows are as PostgreSQL writes them as JSON, and are never read as JSON here: a bigint stays what it is.
 */
export async function store(client: Client): Promise<string> {
  const steps = await column(client, 'select name from kysely_migration order by name')
  const lines = [JSON.stringify({ steps })]
  const sequences = await client.query<{ line: string }>(
    `select json_build_object('sequence', sequencename, 'at', last_value)::text as line
       from pg_sequences where schemaname = 'public' and last_value is not null order by sequencename`,
  )
  lines.push(...sequences.rows.map(({ line }) => line))
  for (const table of await tablesOf(client)) {
    const rows = await column(client, `select row_to_json(t)::text as row from ${quoted(table)} t order by 1`)
    lines.push(...rows.map((row) => `{"table":${JSON.stringify(table)},"row":${row}}`))
  }
  return `${lines.join('\n')}\n`
}

/** The steps of the schema that a stored database has, oldest first. */
export function stepsOf(stored: string): readonly string[] {
  const [first = ''] = stored.split('\n', 1)
  return (JSON.parse(first) as { steps: readonly string[] }).steps
}

/** Fills a database that has the schema of the stored one, and nothing else. Its user must be a superuser. */
export async function load(client: Client, stored: string): Promise<void> {
  // Rows come in no order: neither references nor what the schema itself counts are looked after meanwhile.
  await client.query('set session_replication_role = replica')
  for (const table of await tablesOf(client)) await client.query(`delete from ${quoted(table)}`)
  for (const line of stored.trimEnd().split('\n').slice(1)) {
    const { table, sequence } = JSON.parse(line) as { table?: string; sequence?: string }
    if (table !== undefined) await insert(client, table, line)
    if (sequence !== undefined)
      await client.query(`select setval($1::regclass, ($2::json ->> 'at')::bigint)`, [quoted(sequence), line])
  }
  await client.query('set session_replication_role = default')
}

async function insert(client: Client, table: string, line: string): Promise<void> {
  const columns = await column(
    client,
    `select column_name from information_schema.columns
      where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`,
    [table],
  )
  const names = columns.map(quoted).join(', ')
  await client.query(
    `insert into ${quoted(table)} (${names}) overriding system value
     select ${names} from json_populate_record(null::${quoted(table)}, $1::json -> 'row')`,
    [line],
  )
}

/** Everything but the record of the steps itself. */
const tablesOf = (client: Client): Promise<readonly string[]> =>
  column(
    client,
    `select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%' order by tablename`,
  )

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

async function column(client: Client, query: string, given: readonly unknown[] = []): Promise<readonly string[]> {
  const { rows } = await client.query<[string]>({ text: query, values: [...given], rowMode: 'array' })
  return rows.map(([value]) => value)
}
