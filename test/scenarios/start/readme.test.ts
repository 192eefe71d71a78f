import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api, ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import type { Execution } from '../support/upgrades.ts'

const readme = readFileSync(fileURLToPath(new URL('../../../README.md', import.meta.url)), 'utf8')
const patience = { withinMs: 120_000 }

let flotilla: Flotilla
let scratch: string
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'flotilla-readme-'))
  flotilla = await startFlotilla({ args: ['serve'] })
  await eventually(
    'the sample fleet is there',
    async () => flotilla.log.some((line) => line.includes('/docs')),
    patience,
  )
})
afterAll(async () => {
  await removeFlotilla(flotilla)
  rmSync(scratch, { recursive: true, force: true })
})

/** The shell examples of the API in the order of the document, for this server. */
function examples(): string {
  const api = readme.slice(readme.indexOf('\n## The API'), readme.indexOf('\n### helm and kubectl beside it'))
  const blocks = [...api.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks
    .join('\n')
    .replace('http://127.0.0.1:8084', flotilla.url)
    .replace('.flotilla/admin.key', join(flotilla.home, 'admin.key'))
}

/**
 * As much of curl as the document uses, for machines without it. It notes each status, and ends a stream after a moment as
 * a reader would.
 */
const curl = `#!${process.execPath}
const { appendFileSync } = require('node:fs')
const args = process.argv.slice(2)
const asked = { method: 'GET', headers: {}, signal: undefined, body: undefined }
let url
for (let n = 0; n < args.length; n++) {
  if (args[n] === '-X') asked.method = args[++n]
  else if (args[n] === '-d') asked.body = args[++n]
  else if (args[n] === '--max-time') n++
  else if (args[n] === '-H') asked.headers[args[++n].split(': ')[0]] = args[n].split(': ').slice(1).join(': ')
  else if (args[n].startsWith('-')) { if (!['-s', '-sN'].includes(args[n])) throw new Error('unknown: ' + args[n]) }
  else url = args[n]
}
fetch(url, asked).then(async (answer) => {
  appendFileSync(process.env.ASKED, [answer.status, asked.method, new URL(url).pathname].join(' ') + '\\n')
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return console.log(await answer.text())
  setTimeout(() => process.exit(0), 1500)
  for await (const chunk of answer.body) process.stdout.write(chunk)
})
`

/** Runs a script with that curl; what was asked, and what it printed. */
async function run(script: string): Promise<{ readonly asked: readonly string[]; readonly said: string }> {
  const [command, noted] = [join(scratch, 'curl'), join(scratch, 'asked')]
  writeFileSync(command, curl)
  chmodSync(command, 0o755)
  writeFileSync(noted, '')
  const path = [scratch, dirname(process.execPath), process.env.PATH].join(delimiter)
  const shell = spawn('bash', ['-eu', '-o', 'pipefail'], { env: { ...process.env, PATH: path, ASKED: noted } })
  const said: Buffer[] = []
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
  shell.stdin.end(script)
  const code = await new Promise((resolve) => shell.once('close', resolve))
  const text = Buffer.concat(said).toString()
  if (code !== 0) throw new Error(`the examples end with ${code}\n${text.slice(-2_000)}`)
  return { asked: readFileSync(noted, 'utf8').trim().split('\n'), said: text }
}

test('the examples of the README, one after the other, do what it says of them', async () => {
  const { asked, said } = await run(`${examples()}\necho "RUN=$RUN BAD=$BAD"`)
  const refused = asked.filter((line) => !/^20[0-4] /.test(line))
  // The atomic upgrade to the version that never passes.
  expect(refused).toEqual([expect.stringMatching(/^422 POST .*\/upgrade$/)])
  expect(asked.length).toBeGreaterThan(35)
  const [, good = '', bad = ''] = /RUN=(\S+) BAD=(\S+)/.exec(said) ?? []
  const api = new Api(flotilla.url, flotilla.adminKey)
  const statusOf = async (id: string) => ok(await api.get<Execution>(`/registry/upgrades/${id}`)).status
  expect([await statusOf(good), await statusOf(bad)]).toEqual(['COMPLETED', 'ROLLED_BACK'])
}, 300_000)
