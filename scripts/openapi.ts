// Writes openapi.json from the routes; with --check says whether the committed one is still what they say.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { apiDocument } from '../src/composition/document.ts'

const path = fileURLToPath(new URL('../openapi.json', import.meta.url))
const document = await apiDocument()

if (!process.argv.includes('--check')) await writeFile(path, document)
else if ((await readFile(path, 'utf8').catch(() => '')) !== document) {
  console.error('openapi.json is not what the routes say: run `npm run openapi` and commit it')
  process.exitCode = 1
}
