import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { OpenApiDocument } from './openapi.ts'

const text = readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8')
const document = JSON.parse(text) as OpenApiDocument
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

test('whoever must say who they are may be told to wait, and for how long', () => {
  const [open, closed] = [true, false].map((isOpen) =>
    operations.filter(({ security }) => (security.length === 0) === isOpen),
  )
  expect(closed?.length).toBeGreaterThan(50)
  for (const { operationId, responses } of closed ?? []) {
    expect([operationId, responses[429]]).toMatchObject([
      operationId,
      {
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        headers: { 'Retry-After': { required: true, schema: { type: 'integer', minimum: 1 } } },
      },
    ])
  }
  for (const { operationId, responses } of open ?? [])
    expect([operationId, responses[429]]).toEqual([operationId, undefined])
})

test('any other problem may say when to try again', () => {
  for (const { responses } of operations) expect(responses.default?.headers ?? {}).toHaveProperty('Retry-After')
})
