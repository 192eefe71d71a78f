import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockFolder } from './lock.ts'

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'practice-cluster-lock-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Takes each folder at its moment and names those that it got; it lives until it is told to end. */
const contender = `
import { lockFolder } from ${JSON.stringify(import.meta.resolve('./lock.ts'))}
const [at, ...folders] = process.argv.slice(1)
const taking = folders.map((folder, index) => {
  while (Date.now() < Number(at) + index) {}
  return lockFolder(folder).then(() => folder, () => null)
})
console.log(JSON.stringify((await Promise.all(taking)).filter((folder) => folder !== null)))
process.stdin.resume()
`

test('of two that start at the same time one gets the folder, whatever was left in it', async () => {
  const folders = Array.from({ length: 200 }, (_, index) => join(home, String(index)))
  for (const [index, folder] of folders.entries()) {
    mkdirSync(folder)
    if (index % 2 === 0) writeFileSync(join(folder, 'pid'), '4194305')
  }
  const start = String(Date.now() + 1_500)
  const children = [1, 2].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', contender, start, ...folders], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const taken = await Promise.all(
    children.map(
      ({ stdout }) => new Promise<string>((resolve) => createInterface({ input: stdout }).once('line', resolve)),
    ),
  )
  for (const child of children) child.kill('SIGKILL')
  expect(taken.flatMap((text) => JSON.parse(text) as string[]).sort()).toEqual(folders.sort())
})

test('what a process that is gone has left is taken over, and given back', async () => {
  const folder = join(home, 'left')
  mkdirSync(folder)
  for (const left of ['', '4194305', String(process.pid)]) {
    writeFileSync(join(folder, 'pid'), left)
    const giveBack = await lockFolder(folder)
    giveBack()
  }
  const giveBack = await lockFolder(folder)
  giveBack()
})
