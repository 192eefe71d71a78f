import { expect, test } from 'vitest'
import { type Mask, maskOf, showAll } from '../infra/secrets/mask.ts'
import { redactManifests, saysElse, secretsMask } from './redact.ts'

const redactManifest = (text: string, mask: Mask): string => redactManifests([text], mask)[0] ?? ''

const manifest = `---
# Source: web/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData:
  password: canary-1
data: {token: Y2FuYXJ5LTI=}
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - {name: A, value: canary-3}
            - {name: B, valueFrom: {secretKeyRef: {name: s, key: token}}}
`

test('values of Secrets and of environment variables are not shown, names are', () => {
  const shown = redactManifest(manifest, showAll)
  expect(shown).not.toMatch(/canary|Y2FuYXJ5/)
  expect(shown).toMatch(/password: ['"]?\*\*\*/)
  expect(shown).toContain('name: A')
  expect(shown).toContain('secretKeyRef')
})

test('a Secret in a List and an environment behind an alias are no way around it', () => {
  const list = '{apiVersion: v1, kind: List, items: [{kind: Secret, data: {a: canary-1}}]}'
  const alias = 'kind: Pod\nx: &e [{name: A, value: canary-2}]\nspec: {containers: [{env: *e}]}\n'
  expect(redactManifest(list, showAll)).not.toContain('canary')
  expect(redactManifest(alias, showAll).match(/canary-2/g)?.length, 'the place where it is no environment').toBe(1)
})

test('dates and binary are shown as they are', () => {
  const text = 'kind: ConfigMap\ndata: {day: 2024-01-02, text: !!binary aGVsbG8=}\n'
  expect(redactManifest(text, showAll)).toBe('---\nkind: ConfigMap\ndata:\n  day: 2024-01-02\n  text: hello\n')
})

test('a kind that is written in another way is the same kind', () => {
  expect(redactManifest('kind: !!binary U2VjcmV0\ndata: {a: canary}', showAll)).not.toContain('canary')
})

test('what is no YAML is not shown at all', () => {
  expect(redactManifest('kind: Secret\ndata: {a: [canary}', showAll)).not.toContain('canary')
})

test('what is marked is hidden in names, labels and texts, also where YAML would break the line', () => {
  const words = 'many words that are secret '.repeat(8).trim()
  const data = `{url: "postgres://app:canary@db", long: "before ${words} after"}`
  const text = `kind: ConfigMap\nmetadata: {name: canary, labels: {of: canary}}\ndata: ${data}\n`
  const shown = redactManifest(text, maskOf(['canary', words]))
  expect(shown).toContain('postgres://app:***@db')
  expect(shown).not.toMatch(/canary|secret/)
})

test('of what cannot be read the text decides', () => {
  expect(saysElse('kind: Secret\ndata: {a: [one}', 'kind: Secret\ndata: {a: [two}')).toBe(true)
  expect(saysElse('kind: Secret\ndata: {a: [one}', 'kind: Secret\ndata: {a: [one}')).toBe(false)
})

test('a secret that is another one says something else, another layout does not', () => {
  expect(saysElse(manifest, manifest.replace('canary-1', 'canary-2'))).toBe(true)
  expect(saysElse(manifest, manifest.replace('canary-3', 'canary-4'))).toBe(true)
  expect(saysElse('kind: A\ndata: {a: 1, b: 2}\n', '# comment\nkind: A\ndata:\n  b: 2\n  a: 1\n')).toBe(false)
})

const config = (url: string) => `---\nkind: ConfigMap\nmetadata: {name: c}\ndata: {url: "${url}", port: "5432"}\n`
const encoded = (text: string) => Buffer.from(text).toString('base64')

test.each([
  ['data', `data: {password: ${encoded('FIXEDSECRETVAL')}}`],
  ['stringData', 'stringData: {password: FIXEDSECRETVAL}'],
])('a value in the %s of a Secret is hidden in every object of the manifest, decoded and in base64', (_, fields) => {
  const secret = `---\nkind: Secret\nmetadata: {name: s}\n${fields}\n`
  for (const text of ['postgres://u:FIXEDSECRETVAL@h', `basic ${encoded('FIXEDSECRETVAL')}`]) {
    const shown = redactManifest(config(text) + secret, showAll)
    expect(shown).not.toMatch(/FIXEDSECRETVAL|RklYRURTRUNSRVRWQU/)
    expect(shown).toContain('port: "5432"')
    expect(shown).toContain('password: "***"')
  }
})

test('what is a Secret on one side of a change is hidden on the other', () => {
  const secret = 'kind: List\napiVersion: v1\nitems: [{kind: Secret, stringData: {password: FIXEDSECRETVAL}}]\n'
  const [before, after] = redactManifests([config('FIXEDSECRETVAL'), secret], showAll)
  expect(`${before}${after}`).not.toContain('FIXEDSECRETVAL')
  expect(secretsMask([secret])('of FIXEDSECRETVAL')).toBe('of ***')
})

test('a text that holds what is marked is hidden besides that', () => {
  const secret = '---\nkind: Secret\nstringData: {dsn: "u:MARKED@host-of-it"}\n'
  const shown = redactManifest(secret + config('postgres://u:MARKED@host-of-it/db'), maskOf(['MARKED']))
  expect(shown).toContain('url: postgres://***/db')
})

test('of a very long Secret each line is hidden where it stands, and all else is shown', () => {
  const lines = Array.from({ length: 2_000 }, (_, n) => `line ${n} of a long file`)
  const data = { file: encoded(lines.join('\n')), password: encoded('FIXEDSECRETVAL') }
  const secret = `---\nkind: Secret\ndata: ${JSON.stringify(data)}\n`
  const some = JSON.stringify(`some:\n  ${lines[1_234]}\n  and more`)
  const other = `---\nkind: ConfigMap\ndata: {some: ${some}, whole: ${data.file}, url: "u:FIXEDSECRETVAL@h"}\n`
  expect(redactManifest(secret + other, showAll)).toBe(
    '---\nkind: Secret\ndata:\n  file: "***"\n  password: "***"\n' +
      '---\nkind: ConfigMap\ndata:\n  some: "***"\n  whole: "***"\n  url: u:***@h\n',
  )
})

test('values that are too short to be hidden, and binary ones, hide nothing else', () => {
  const secret = '---\nkind: Secret\ndata: {flag: MQ==, key: /v8A/w==}\n'
  expect(redactManifest(secret + config('a1'), showAll)).toContain('url: a1')
})
